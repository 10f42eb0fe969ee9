/* Products of int8 matrices of which one vector at a time is widened to int16: the inner loops
 * of attention and of products of two activations. */
#ifndef EC_WIDE_H
#define EC_WIDE_H

#include "edgec.h"

/* y = x - zero, n values, a difference of two int8; in an order that only ec_wide_dots knows. */
void ec_widen_s8(const int8_t *x, int32_t n, int32_t zero, int16_t *y);

/* acc[k] = sum over n of a[i] * b[k * step + i] for `count` vectors; a is widened. */
void ec_wide_dots(const int16_t *a, const int8_t *b, int32_t step, int32_t count, int32_t n, int32_t *acc);

/* acc[i] += sum over count of weight[k] * v[k * step + i], i < n. Weights fit int16. */
void ec_mix(const int32_t *weight, const int8_t *v, int32_t step, int32_t count, int32_t n, int32_t *acc);

#endif
