/* The larger of two values, or the smaller; both are first scaled to the result's unit.
 * Shapes and broadcasting: ec_binary.h.
 * Aliasing: an output row may overlap a row of the same index and length of an operand, as long
 * as it starts no later and ends no later.
 */
#ifndef EC_MAXIMUM_H
#define EC_MAXIMUM_H

#include "ec_binary.h"

typedef struct {
    EC_BINARY_MEMBERS
    int32_t minimum;
    int32_t left_shift;
    int32_t a_multiplier;
    int32_t a_shift;
    int32_t b_multiplier;
    int32_t b_shift;
} ec_maximum_params;

void ec_maximum(const ec_maximum_params *p, const ec_window *in, const ec_window *out, int32_t first,
                int32_t last, void *scratch);

#endif
