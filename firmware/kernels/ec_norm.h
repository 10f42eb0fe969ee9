/* Integer normalization: what layer norm and group norm share.
 *
 * Of n values x with sum s1 and n^2 times the variance `power`, in integers of the input,
 *
 *     h = (n x - s1) / sqrt(power + epsilon)             `fraction` fraction bits
 *     y = (((h * gamma) >> 16) + beta) >> shift          clamped to y's type
 *
 * edgec/ops/norm.py has the same in numpy and chooses formats in which nothing overflows.
 */
#ifndef EC_NORM_H
#define EC_NORM_H

#include "ec_dsp.h"
#include "ec_root.h"

/* How a group of values is normalized: n x - s1, shifted, is (x * factor + offset) >> right. */
typedef struct {
    uint32_t factor; /* n and -s1, shifted left where the shift is to the left; then right is 0 */
    uint32_t offset;
    int32_t right;
    int32_t root;
} ec_norm;

static inline ec_norm ec_norm_of(int32_t count, int32_t s1, int64_t power, int32_t fraction)
{
    ec_norm n;
    int32_t places;
    n.root = ec_rsqrt(power > 0 ? (uint64_t)power : 1u, &places);
    n.factor = (uint32_t)count << ec_max(fraction + 32 - places, 0);
    n.offset = (0u - (uint32_t)s1) << ec_max(fraction + 32 - places, 0);
    n.right = ec_max(places - fraction - 32, 0);
    return n;
}

/* The normalized value h of x where m.right is 0. */
static inline int32_t ec_norm_by(ec_norm m, int32_t x)
{
    const int32_t u = (int32_t)((uint32_t)x * m.factor + m.offset);
    return (int32_t)(((int64_t)u * m.root + INT64_C(0x80000000)) >> 32);
}

/* The normalized value times gamma plus beta, not clamped yet. */
static inline int32_t ec_norm_value(ec_norm n, int32_t x, int16_t gamma, int32_t beta, int32_t shift)
{
    const int32_t u = (int32_t)((uint32_t)x * n.factor + n.offset) >> n.right;
    const int32_t h = (int32_t)(((int64_t)u * n.root + INT64_C(0x80000000)) >> 32);
#ifdef EC_HAVE_DSP
    return ec_smlawb(h, (uint32_t)gamma, beta) >> shift;
#else
    return ((int32_t)(((int64_t)h * gamma) >> 16) + beta) >> shift;
#endif
}

#endif
