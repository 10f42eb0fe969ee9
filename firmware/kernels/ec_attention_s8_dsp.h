/* Scaled dot-product attention, int8, with the DSP extension: ec_attention_s8.h's results, for two queries at a
 * time where there are two.
 *
 * As there, with these differences: factor is not negative, precision at least 8 and shift + 2, and exp2 is that of ec_dsp_exp2.h.
 * Aliasing: as there.
 * Scratch: 4 * keys + max(2 * depth, 4 * value_depth) bytes for every query at once, which are two where there is
 *   more than one; keys rounded up to a multiple of 2, depths to one of 4.
 */
#ifndef EC_ATTENTION_S8_DSP_H
#define EC_ATTENTION_S8_DSP_H

#include "edgec.h"

typedef struct {
    int32_t heads;
    int32_t queries;
    int32_t keys;
    int32_t depth;
    int32_t value_depth;
    int32_t q_zero;
    int32_t v_zero;
    int32_t output_zero;
    int32_t left;
    int32_t factor;
    int32_t fraction;
    int32_t mask_shift;
    int32_t precision;
    int32_t multiplier;
    int32_t shift;
    int32_t q_pitch; /* row bytes of constant operands */
    int32_t k_pitch;
    int32_t v_pitch;
    const int32_t *q_view;
    const int32_t *k_view;
    const int32_t *v_view;
    const int32_t *limit;
    const int16_t *mask;
    const int32_t *mask_stride;
    const int16_t *bias;
    const int32_t *bias_stride;
    const uint32_t *exp2;
    const int8_t *q_data;
    const int8_t *k_data;
    const int8_t *v_data;
} ec_attention_s8_dsp_params;

void ec_attention_s8_dsp(const ec_attention_s8_dsp_params *p, const ec_window *in, const ec_window *out,
                         int32_t first, int32_t last, void *scratch);

#endif
