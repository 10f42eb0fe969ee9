/* Sum or difference with the DSP extension: ec_add.h's results, where one operand needs no multiplier.
 *
 * Rows and their operands: ec_binary.h, with a_inner and b_inner 1. Of the common unit's double,
 *
 *     A = (x << left) - x_zero                                      exact: x is half the common unit
 *     B = z * z_multiplier / 2^31, then / 2^(1 + z_shift), as TFLM rounds both
 *     y = (A + B) * y_multiplier / 2^32, / 2^(1 + y_shift), + y_zero, clamped
 *
 * left: 20, or 15 where an operand is int16. swapped: x is operand b. x_zero: shifted left by `left`, less one.
 * z_zero: shifted left by left + 1. y_offset: 1 + 2 * zero point. sign: 0: A + B; 1: A - B; 2: B - A.
 * Aliasing: an output row may overlap a row of the same index and length of an operand, as long
 * as it starts no later and ends no later.
 */
#ifndef EC_ADD_DSP_H
#define EC_ADD_DSP_H

#include "ec_binary.h"

typedef struct {
    EC_BINARY_MEMBERS
    int32_t swapped;
    int32_t sign;
    int32_t x_zero;
    int32_t z_zero;
    int32_t z_multiplier;
    int32_t z_shift;
    int32_t y_multiplier;
    int32_t y_shift;
    int32_t y_offset;
} ec_add_dsp_params;

void ec_add_dsp(const ec_add_dsp_params *p, const ec_window *in, const ec_window *out, int32_t first,
                int32_t last, void *scratch);

#endif
