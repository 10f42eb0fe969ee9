/* From scores to softmax's weights; docs/arithmetic.md has the formulas. */
#ifndef EC_EXP2_H
#define EC_EXP2_H

#include "edgec.h"

/* A score that has no weight; below all others. */
#define EC_EXCLUDED (-(1 << 30))

/* score = (score << left) * factor / 2^32, rounded. */
void ec_scale(int32_t *score, int32_t n, int32_t left, int32_t factor);

/* Scores with `fraction` fraction bits become 2^(score - largest) with `precision` bits; returns
 * their sum, 0 where all are excluded. exp2 [65]: 32768 * 2^(-i/64). */
int32_t ec_exp2_weights(int32_t *score, int32_t n, int32_t fraction, int32_t precision, const uint16_t *exp2);

#endif
