/* The products of attention with the DSP extension, for two queries at a time.
 *
 * Scores and weights of pair j of keys are the 16 bytes at 4 * j words: scores are int32, those of keys 2j and
 * 2j + 1 for query 0, then for query 1; weights are int16, of both keys for query 0, then for query 1, in the
 * first two words.
 */
#ifndef EC_DSP_ATTEND_H
#define EC_DSP_ATTEND_H

#include "ec_dsp.h"

/* Queries less their zero point as halfwords: 4 words for every four features, (0, 2) of query 0, of query 1, (1, 3)
 * of query 0, of query 1. What fills up the last four has no meaning: keys have 0 there. */
void ec_attend_widen(const int8_t *q0, const int8_t *q1, int32_t depth, int32_t zero, uint32_t *query);

/* score = q k for `pairs` pairs of keys, the first at k, `step` bytes apart. */
void ec_attend_scores(const uint32_t *query, int32_t depth, const int8_t *k, int32_t step, int32_t pairs,
                      uint32_t *score);

/* score[s] = q k of one query, widened by ec_widen_s8, for `keys` keys. */
void ec_attend_scores_of_one(const int16_t *query, int32_t depth, const int8_t *k, int32_t step, int32_t keys,
                             int32_t *score);

/* total[c] += weight * v[c] of query 0, total[4 + c] of query 1, for columns 0 .. 3, the values of the first key at v,
 * `step` bytes apart. Behind an odd number of keys, the weight that fills up the last pair is 0. */
void ec_attend_mix(const uint32_t *weight, const int8_t *v, int32_t step, int32_t keys, int32_t total[8]);

/* The same for one query, whose weights of a pair of keys are a word. */
void ec_attend_mix_one(const uint32_t *weight, const int8_t *v, int32_t step, int32_t keys, int32_t total[4]);

#endif
