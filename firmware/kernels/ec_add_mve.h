/* Sum, for Helium: both operands are scaled to a common unit, added, scaled to the result's.
 *
 * Operands have the result's shape; values are int8, or int16 where `wide`; an operand that is no activation is
 * given as constants. The common unit is half that of operand `exact`, whose scaling is a shift: TFLM's ADD
 * always has one. The other operand's shift and the result's are negative, or the former is 0 where both scales
 * are the same.
 * Aliasing: an output row may overlap a row of the same index and length of an operand, as long
 * as it starts no later and ends no later.
 */
#ifndef EC_ADD_MVE_H
#define EC_ADD_MVE_H

#include "edgec.h"

typedef struct {
    int32_t row_size;
    int32_t exact; /* 0 or 1: which operand */
    int32_t left_shift;
    int32_t a_wide;
    int32_t b_wide;
    int32_t y_wide;
    int32_t a_zero;
    int32_t b_zero;
    int32_t y_zero;
    int32_t lo;
    int32_t hi;
    int32_t multiplier; /* of the operand that is not exact */
    int32_t shift;
    int32_t y_multiplier;
    int32_t y_shift;
    const int8_t *a_s8;
    const int16_t *a_s16;
    const int8_t *b_s8;
    const int16_t *b_s16;
} ec_add_mve_params;

void ec_add_mve(const ec_add_mve_params *p, const ec_window *in, const ec_window *out, int32_t first,
                int32_t last, void *scratch);

#endif
