/* One or two vectors times a weight matrix with the DSP extension: the inner loops of linear layers and
 * convolutions.
 *
 * The weights of two outputs a and b share halfwords: a * 256 + b, in [-2^15, 2^15). SMLAD with these gives
 * sums of 256 * x * a + x * b for two inputs at once; SXTB16 leaves b, for the sums of x * b. The difference
 * of the two is 256 times the sum for a. So four multiply-accumulates take three instructions, and half as
 * many bytes are loaded. Wrapping at 32 bits does no harm as long as every sum for an a fits 24 bits
 * (edgec/ops/dsp.py sees to it).
 *
 * weights: per pair of outputs and four inputs, a word for inputs 0 and 2 and a word for inputs 1 and 3 (the
 * order in which SXTB16 takes bytes apart), the lower input in the lower halfword. finish: per output, twice
 * the bias, the mantissa, and the right shift less 1. An odd number of outputs is filled up with one of zeros.
 */
#ifndef EC_DSP_PRODUCTS_H
#define EC_DSP_PRODUCTS_H

#include "ec_dsp_requant.h"

typedef struct {
    const uint32_t *weights;
    const int32_t *finish;
    int32_t inputs; /* of a vector, a multiple of 4 */
    int32_t outputs;
    int32_t offset; /* twice the zero point of the result, plus 1 */
    int32_t lo;     /* the result is clamped to lo..hi */
    int32_t hi;
} ec_dsp_layer;

/* Words of a column of two vectors: `inputs` each, as ec_dsp_expand writes them. */
#define EC_DSP_COLUMN_WORDS(inputs) (inputs)

/* Writes `n` values (a multiple of 4) of vector 0 or 1 of a column: to[0] and to[4], to[8] ... take inputs 0 and 2
 * of each four, the words 2 further inputs 1 and 3. Begin vector 1 at to + 1. */
void ec_dsp_expand(uint32_t *to, const int8_t *x, int32_t n);

/* The same for both vectors of a column. */
void ec_dsp_expand2(uint32_t *to, const int8_t *x0, const int8_t *x1, int32_t n);

/* y0[o], y1[o] = the products of the two vectors of a column with every output's weights, requantized. */
void ec_dsp_pair_s8(const ec_dsp_layer *l, const uint32_t *column, int8_t *y0, int8_t *y1);
void ec_dsp_pair_s16(const ec_dsp_layer *l, const uint32_t *column, int16_t *y0, int16_t *y1);

/* The same for one vector of `inputs` values as they are. */
void ec_dsp_single_s8(const ec_dsp_layer *l, const int8_t *x, int8_t *y);
void ec_dsp_single_s16(const ec_dsp_layer *l, const int8_t *x, int16_t *y);

#endif
