/* Index of the largest element along one axis, the first of equals; int8 to int32.
 *
 * `count` elements, `step_row` rows and `step_column` columns apart; kept loops as in
 * ec_reduce.h. Output rows have `length` elements.
 * Aliasing: none. Scratch: none.
 */
#ifndef EC_ARGMAX_S8_H
#define EC_ARGMAX_S8_H

#include "edgec.h"

typedef struct {
    int32_t length;
    int32_t count;
    int32_t step_row;
    int32_t step_column;
    int32_t axes;
    const int32_t *kept;
} ec_argmax_s8_params;

void ec_argmax_s8(const ec_argmax_s8_params *p, const ec_window *in, const ec_window *out,
                  int32_t first, int32_t last, void *scratch);

#endif
