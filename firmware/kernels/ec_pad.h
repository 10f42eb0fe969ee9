/* Constant padding of elements of 1, 2 or 4 bytes.
 *
 * Output row i is input row source[i] between `left` and `right` elements of `fill`, or
 * nothing but `fill` where source[i] is negative. The input row has `segments` segments of
 * `length` elements; each is put between `before` and `after` elements of `fill`.
 * Aliasing: none. Scratch: none.
 */
#ifndef EC_PAD_H
#define EC_PAD_H

#include "edgec.h"

typedef struct {
    int32_t element;
    int32_t fill;
    int32_t left;
    int32_t right;
    int32_t segments;
    int32_t before;
    int32_t length;
    int32_t after;
    const int32_t *source;
} ec_pad_params;

void ec_pad(const ec_pad_params *p, const ec_window *in, const ec_window *out, int32_t first, int32_t last,
            void *scratch);

#endif
