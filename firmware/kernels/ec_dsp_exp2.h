/* From scores to softmax's weights with the DSP extension: ec_exp2.h's results for at most 32,000 keys. */
#ifndef EC_DSP_EXP2_H
#define EC_DSP_EXP2_H

#include "ec_dsp_requant.h"

/* A score that has no weight; below all others. */
#define EC_EXCLUDED (-(1 << 30))

/* How scores and weights are written down: as ec_attention_s8.h says, but exp2 [64][2] has a point t of
 * 32768 * 2^(-i/64) as 1024 t + 511, then how far the next one is below it. */
typedef struct {
    int32_t left;
    int32_t factor;
    int32_t fraction;
    int32_t precision;
    const uint32_t *exp2;
} ec_exp2_format;

/* Makes the n scores of a query, two side by side every `from` words, its weights, two halfwords every `to` words (the
 * last one filled up with 0), in the place of the scores; words of weights for `keys` keys are written. scaled: the
 * scores are already multiplied by `factor`. Returns the weights' sum, 0 where all scores are EC_EXCLUDED. */
int32_t ec_exp2_pairs(const ec_exp2_format *f, int32_t scaled, int32_t *score, int32_t from, uint32_t *weight, int32_t to,
                      int32_t n, int32_t keys);

/* (score << left) * factor / 2^32, rounded. */
static inline int32_t ec_exp2_scaled(const ec_exp2_format *f, int32_t score)
{
    return ec_smmulr((int32_t)((uint32_t)score << f->left), f->factor);
}

#endif
