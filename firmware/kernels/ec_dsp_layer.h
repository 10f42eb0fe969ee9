/* One or two vectors times a weight matrix with the DSP extension: the inner loops of linear layers and
 * convolutions.
 *
 * The weights of two outputs a and b share halfwords: a * 256 + b, in [-2^15, 2^15). SMLAD with these gives
 * sums of 256 * x * a + x * b for two inputs at once; SXTB16 leaves b, for the sums of x * b. The difference
 * of the two is 256 times the sum for a. So four multiply-accumulates take three instructions, and half as
 * many bytes are loaded. Wrapping at 32 bits does no harm as long as every sum for an a fits 24 bits
 * (edgec/ops/dsp.py sees to it).
 *
 * Two files have these functions: ec_dsp_products.c for cores that issue one instruction a cycle, with groups of 4
 * outputs, and ec_dsp_products_dual.c for the Cortex-M7, with groups of 2. A kernel's `needs` names one of them.
 *
 * table: group by group, and for each four inputs of a group: a word per pair of outputs for inputs 0 and 2, and
 * then the same for inputs 1 and 3 (the order in which SXTB16 takes bytes apart), the lower input in the lower
 * halfword. Behind a group's weights, for each of its outputs: bias and shift in a word, and the mantissa of ec_finish.
 * The last group is filled up with outputs of zeros.
 */
#ifndef EC_DSP_LAYER_H
#define EC_DSP_LAYER_H

#include "ec_dsp_requant.h"

enum { EC_DSP_ENDS = 2 }; /* words of an output behind its weights */

typedef struct {
    const uint32_t *table;
    int32_t inputs; /* of a vector, a multiple of 4 */
    int32_t outputs;
    int32_t lo;     /* the result is clamped to lo..hi */
    int32_t hi;
    int32_t offset; /* twice the zero point of the result, plus 1 */
} ec_dsp_layer;

/* A column is two vectors side by side: for each four inputs, four words of halfwords, inputs 0 and 2 of vector 0 and
 * of vector 1, then inputs 1 and 3 of both. Two words behind a column may be read. */

/* Writes n inputs (4 at least, zeros behind them up to a multiple of 4) of one vector of a column; `to` is one word
 * further for vector 1. */
void ec_dsp_expand(uint32_t *to, const int8_t *x, int32_t n);

/* The same for both vectors. */
void ec_dsp_expand2(uint32_t *to, const int8_t *x0, const int8_t *x1, int32_t n);

/* y0[o], y1[o] = the products of a column's vectors with every output's weights, requantized. */
void ec_dsp_pair_s8(const ec_dsp_layer *l, const uint32_t *column, int8_t *y0, int8_t *y1);
void ec_dsp_pair_s16(const ec_dsp_layer *l, const uint32_t *column, int16_t *y0, int16_t *y1);

/* The same for one vector of int8 values. Four bytes behind it may be read: in a library, what lies behind the arena in
 * its context at the furthest. */
void ec_dsp_single_s8(const ec_dsp_layer *l, const int8_t *x, int8_t *y);
void ec_dsp_single_s16(const ec_dsp_layer *l, const int8_t *x, int16_t *y);

/* The same in C: of vector v of a column, or of a vector the outputs from `first` (the first of a group) on; y: int8_t or
 * int16_t, as `bytes` of an output says. */
void ec_dsp_column_in_c(const ec_dsp_layer *l, int32_t group, const uint32_t *column, int32_t v, void *y,
                        int32_t bytes);
void ec_dsp_vector_in_c(const ec_dsp_layer *l, int32_t group, int32_t first, const int8_t *x, void *y,
                        int32_t bytes);

/* The result for twice the sum of products, the bias not in it; finish: what is behind an output's weights. */
static inline int32_t ec_dsp_result(const ec_dsp_layer *l, const uint32_t *finish, int32_t twice)
{
    const int32_t sum = (int32_t)((uint32_t)twice + (uint32_t)ec_twice_bias(finish[0]));

    return ec_clamp(ec_finish(sum, (int32_t)finish[1], ec_places(finish[0]), l->offset), l->lo, l->hi);
}

/* y[o] = this result. Nothing beyond the outputs. */
void ec_dsp_store(const ec_dsp_layer *l, const uint32_t *finish, int32_t o, int32_t twice, void *y, int32_t bytes);

#endif
