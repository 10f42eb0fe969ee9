/* Reciprocal and reciprocal square root in fixed point by Newton's method, without a division.
 *
 * edgec/ops/roots.py states the same in numpy, bit for bit.
 */
#ifndef EC_ROOT_H
#define EC_ROOT_H

#include "edgec.h"

/* 1/sqrt(d) = result * 2^-*shift, d >= 1; the result is about 2^30 .. 2^31 - 1, right to 2^-28. */
int32_t ec_rsqrt(uint64_t d, int32_t *shift);

/* 1/d = result * 2^-*shift, d >= 1; the result is about 2^30 .. 2^31 - 1, right to 2^-28. */
int32_t ec_inverse(uint32_t d, int32_t *shift);

#endif
