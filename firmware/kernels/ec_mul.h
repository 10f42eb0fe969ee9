/* Product. That of two int16 operands is first divided by 2^product_shift, 16, rounded half up.
 * Shapes and broadcasting: ec_binary.h.
 * Aliasing: an output row may overlap a row of the same index and length of an operand, as long
 * as it starts no later and ends no later.
 */
#ifndef EC_MUL_H
#define EC_MUL_H

#include "ec_binary.h"

typedef struct {
    EC_BINARY_MEMBERS
    int32_t product_shift;
    int32_t y_multiplier;
    int32_t y_shift;
} ec_mul_params;

void ec_mul(const ec_mul_params *p, const ec_window *in, const ec_window *out, int32_t first,
            int32_t last, void *scratch);

#endif
