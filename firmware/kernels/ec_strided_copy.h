/* Strided copy: the elements that a nest of loops visits in the input, written out in order.
 *
 * Elements of 1, 2 or 4 bytes (width). Loops outermost first, 1 to 6: element (i0, .., in) is
 * the input's element offset + sum ik * strides[k]; strides may be zero or negative.
 * in_row, out_row: elements of a row; in_rows: rows of the input.
 * Aliasing: an output row must not overlap an input row that it or a later row reads.
 * Scratch: none.
 */
#ifndef EC_STRIDED_COPY_H
#define EC_STRIDED_COPY_H

#include "edgec.h"

#define EC_STRIDED_COPY_LOOPS 6

typedef struct {
    int32_t width;
    int32_t in_row;
    int32_t in_rows;
    int32_t out_row;
    int32_t offset;
    int32_t loops;
    const int32_t *sizes;
    const int32_t *strides;
} ec_strided_copy_params;

void ec_strided_copy(const ec_strided_copy_params *p, const ec_window *in, const ec_window *out,
                     int32_t first, int32_t last, void *scratch);

#endif
