/* Product with the DSP extension: ec_mul.h's results, where not both operands are int16.
 *
 * Rows and their operands: ec_binary.h, with a_inner and b_inner 1. swapped: operand b comes first, so that
 * an int16 operand does.
 *
 *     y = 2 (x - x_zero) (z - z_zero) * y_multiplier / 2^32, / 2^(1 + y_shift), + y_zero
 *
 * as TFLM rounds it; doubled: 2 * x_zero. y_offset: 1 + 2 * zero point. The result takes the whole range of
 * its type.
 * Aliasing: an output row may overlap a row of the same index and length of an operand, as long
 * as it starts no later and ends no later.
 */
#ifndef EC_MUL_DSP_H
#define EC_MUL_DSP_H

#include "ec_binary.h"

typedef struct {
    EC_BINARY_MEMBERS
    int32_t swapped;
    int32_t doubled;
    int32_t z_zero;
    int32_t y_multiplier;
    int32_t y_shift;
    int32_t y_offset;
} ec_mul_dsp_params;

void ec_mul_dsp(const ec_mul_dsp_params *p, const ec_window *in, const ec_window *out, int32_t first,
                int32_t last, void *scratch);

#endif
