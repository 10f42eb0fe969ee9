/* Scaled dot-product attention, int8: softmax(q k^T * scale + mask) v, streamed.
 *
 * Output rows are [heads * value_depth], one per query, `queries` of them per batch. One query's
 * scores and one sum of values exist at a time. q, k and v are read through views (ec_view.h)
 * with the strides of batch, head and token.
 *
 * scores: acc = sum of (q - q_zero) k;  s = (acc << left) * factor / 2^32, in powers of two with
 *   `fraction` (6 .. 16) fraction bits; plus mask and bias, each << mask_shift.
 * weights: 2^(s - max) by lines between the 65 points of exp2 (32768 * 2^(-i/64)), with
 *   `precision` fraction bits (at most 14; 255 * keys * 2^precision < 2^31).
 * result: (sum of weight * (v - v_zero)) / (sum of weights) * multiplier * 2^(shift - 31),
 *   rounded, + output_zero; output_zero where every key is excluded.
 *
 * limit [queries]: keys that a query looks at, the first ones; NULL: all.
 * mask, bias: int16, read at b * stride[0] + h * stride[1] + t * stride[2] + s, NULL: none;
 *   -32768 excludes the key.
 * q_data, k_data, v_data: a constant operand; NULL: the operand is the next window.
 * Aliasing: an output row may lie over row i of a q that holds nothing but the heads' queries
 *   in order, ending and starting no later; never over k or v.
 * Scratch: 4 * (keys + value_depth) + 2 * depth bytes.
 */
#ifndef EC_ATTENTION_S8_H
#define EC_ATTENTION_S8_H

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
    const uint16_t *exp2;
    const int8_t *q_data;
    const int8_t *k_data;
    const int8_t *v_data;
} ec_attention_s8_params;

void ec_attention_s8(const ec_attention_s8_params *p, const ec_window *in, const ec_window *out,
                     int32_t first, int32_t last, void *scratch);

#endif
