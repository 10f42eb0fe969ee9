/* Sum or difference: both operands are scaled to a common unit, added, scaled to the result's.
 * Shapes and broadcasting: ec_binary.h.
 * Aliasing: an output row may overlap a row of the same index and length of an operand, as long
 * as it starts no later and ends no later.
 */
#ifndef EC_ADD_H
#define EC_ADD_H

#include "ec_binary.h"

typedef struct {
    EC_BINARY_MEMBERS
    int32_t left_shift;
    int32_t subtract;
    int32_t a_multiplier;
    int32_t a_shift;
    int32_t b_multiplier;
    int32_t b_shift;
    int32_t y_multiplier;
    int32_t y_shift;
} ec_add_params;

void ec_add(const ec_add_params *p, const ec_window *in, const ec_window *out, int32_t first,
            int32_t last, void *scratch);

#endif
