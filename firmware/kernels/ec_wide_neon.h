/* The inner loops of ec_wide.h for Advanced SIMD. */
#ifndef EC_WIDE_NEON_H
#define EC_WIDE_NEON_H

#include "ec_dsp.h"
#include "ec_neon.h"

#ifdef EC_HAVE_NEON
/* Four values, widened. */
EC_INLINE int16x4_t ec_neon_four(const int8_t *x)
{
    int32_t w;

    memcpy(&w, x, sizeof w);
    return vget_low_s16(vmovl_s8(vreinterpret_s8_s32(vdup_n_s32(w))));
}

EC_INLINE int32x4_t ec_neon_dot8(int32x4_t acc, int16x8_t a, int16x8_t b)
{
    return vmlal_high_s16(vmlal_s16(acc, vget_low_s16(a), vget_low_s16(b)), a, b);
}

/* The sums of the lanes of four vectors. */
EC_INLINE int32x4_t ec_neon_across(const int32x4_t s[4])
{
    return vpaddq_s32(vpaddq_s32(s[0], s[1]), vpaddq_s32(s[2], s[3]));
}

#ifdef EC_HAVE_SDOT
/* Widened values by sixteens: a difference of two int8 has 9 bits, which are here its half, sixteen bytes, and what
 * that leaves, sixteen more. */
EC_INLINE int32_t ec_neon_widen16(const int8_t *x, int32_t n, int32_t zero, int16_t *y)
{
    const int8x8_t z = vdup_n_s8((int8_t)zero);
    int32_t i = 0;

    for (; i + 16 <= n; i += 16) {
        const int8x16_t v = vld1q_s8(x + i);
        const int16x8_t low = vsubl_s8(vget_low_s8(v), z);
        const int16x8_t high = vsubl_s8(vget_high_s8(v), z);
        const int8x16_t odd = vandq_s8(vmovn_high_s16(vmovn_s16(low), high), vdupq_n_s8(1));
        vst1q_s16(y + i, vreinterpretq_s16_s8(vshrn_high_n_s16(vshrn_n_s16(low, 1), high, 1)));
        vst1q_s16(y + i + 8, vreinterpretq_s16_s8(odd));
    }
    return i;
}

/* The part of `keys` dot products that comes in sixteens. */
EC_INLINE int32_t ec_neon_dots16(const int16_t *a, const int8_t *b, int32_t step, int32_t n, int32x4_t *s, int keys)
{
    int32x4_t rest[8];
    int32_t i = 0;

#pragma GCC unroll 8
    for (int k = 0; k < keys; k++) {
        rest[k] = vdupq_n_s32(0);
    }
    for (; i + 16 <= n; i += 16) {
        const int8x16_t half = vreinterpretq_s8_s16(vld1q_s16(a + i));
        const int8x16_t odd = vreinterpretq_s8_s16(vld1q_s16(a + i + 8));
        const int8_t *x = b + i;
#pragma GCC unroll 8
        for (int k = 0; k < keys; k++) {
            const int8x16_t v = vld1q_s8(x);
            s[k] = vdotq_s32(s[k], half, v);
            rest[k] = vdotq_s32(rest[k], odd, v);
            x += step;
            EC_STEPPED(x);
        }
    }
#pragma GCC unroll 8
    for (int k = 0; k < keys; k++) {
        s[k] = vaddq_s32(vaddq_s32(s[k], s[k]), rest[k]);
    }
    return i;
}
#else
EC_INLINE int32_t ec_neon_widen16(const int8_t *x, int32_t n, int32_t zero, int16_t *y)
{
    (void)x;
    (void)n;
    (void)zero;
    (void)y;
    return 0;
}

EC_INLINE int32_t ec_neon_dots16(const int16_t *a, const int8_t *b, int32_t step, int32_t n, int32x4_t *s, int keys)
{
    int32_t i = 0;

    for (; i + 16 <= n; i += 16) {
        const int16x8_t low = vld1q_s16(a + i);
        const int16x8_t high = vld1q_s16(a + i + 8);
        const int8_t *x = b + i;
#pragma GCC unroll 8
        for (int k = 0; k < keys; k++) {
            const int8x16_t v = vld1q_s8(x);
            s[k] = ec_neon_dot8(ec_neon_dot8(s[k], low, vmovl_s8(vget_low_s8(v))), high, vmovl_high_s8(v));
            x += step;
            EC_STEPPED(x);
        }
    }
    return i;
}
#endif

/* The same of the values from i on, fewer than sixteen. */
EC_INLINE int32_t ec_neon_dots4(const int16_t *a, const int8_t *b, int32_t step, int32_t i, int32_t n, int32x4_t *s,
                                int keys)
{
    if (i + 8 <= n) {
        const int16x8_t w = vld1q_s16(a + i);
        const int8_t *x = b + i;
#pragma GCC unroll 8
        for (int k = 0; k < keys; k++) {
            s[k] = ec_neon_dot8(s[k], w, vmovl_s8(vld1_s8(x)));
            x += step;
            EC_STEPPED(x);
        }
        i += 8;
    }
    if (i + 4 <= n) {
        const int16x4_t w = vld1_s16(a + i);
        const int8_t *x = b + i;
#pragma GCC unroll 8
        for (int k = 0; k < keys; k++) {
            s[k] = vmlal_s16(s[k], w, ec_neon_four(x));
            x += step;
            EC_STEPPED(x);
        }
        i += 4;
    }
    return i;
}

/* `keys` dot products of n values, 8, 4 or 1. */
EC_INLINE void ec_neon_dots(const int16_t *a, const int8_t *b, int32_t step, int32_t n, int32_t *acc, int keys)
{
    int32x4_t s[8];
    int32_t i;

#pragma GCC unroll 8
    for (int k = 0; k < keys; k++) {
        s[k] = vdupq_n_s32(0);
    }
    i = ec_neon_dots16(a, b, step, n, s, keys);
    if (i < n) {
        i = ec_neon_dots4(a, b, step, i, n, s, keys);
    }
    if (keys == 1) {
        acc[0] = vaddvq_s32(s[0]);
    } else {
#pragma GCC unroll 2
        for (int k = 0; k < keys; k += 4) {
            vst1q_s32(acc + k, ec_neon_across(s + k));
        }
    }
    EC_NO_UNROLL
    for (; i < n; i++) {
        const int8_t *x = b + i;
        EC_NO_UNROLL
        for (int k = 0; k < keys; k++) {
            acc[k] += a[i] * *x;
            x += step;
            EC_STEPPED(x);
        }
    }
}

/* acc += sixteen values, times lane `lane` of w. */
#define EC_NEON_MIX16(acc, v, w, lane)                                       \
    do {                                                                     \
        const int8x16_t x = vld1q_s8(v);                                     \
        const int16x8_t low = vmovl_s8(vget_low_s8(x));                      \
        const int16x8_t high = vmovl_high_s8(x);                             \
        (acc)[0] = vmlal_lane_s16((acc)[0], vget_low_s16(low), w, lane);     \
        (acc)[1] = vmlal_high_lane_s16((acc)[1], low, w, lane);              \
        (acc)[2] = vmlal_lane_s16((acc)[2], vget_low_s16(high), w, lane);    \
        (acc)[3] = vmlal_high_lane_s16((acc)[3], high, w, lane);             \
    } while (0)

/* acc[0..n-1] += sum over count of weight[k] * values at v + k * step; n is 32 or 16. */
EC_INLINE void ec_neon_mix(const int32_t *weight, const int8_t *v, int32_t step, int32_t count, int32_t *acc,
                           int32_t n)
{
    int32x4_t a[8];

#pragma GCC unroll 8
    for (int32_t i = 0; i < n / 4; i++) {
        a[i] = vld1q_s32(acc + 4 * i);
    }
    for (; count >= 4; count -= 4, weight += 4) {
        const int16x4_t w = vmovn_s32(vld1q_s32(weight));
#pragma GCC unroll 2
        for (int32_t i = 0; i < n / 16; i++) {
            EC_NEON_MIX16(a + 4 * i, v + 16 * i, w, 0);
            EC_NEON_MIX16(a + 4 * i, v + step + 16 * i, w, 1);
            EC_NEON_MIX16(a + 4 * i, v + 2 * step + 16 * i, w, 2);
            EC_NEON_MIX16(a + 4 * i, v + 3 * step + 16 * i, w, 3);
        }
        v += 4 * step;
    }
    for (; count > 0; count--, weight++, v += step) {
        const int16x4_t w = vdup_n_s16((int16_t)*weight);
#pragma GCC unroll 2
        for (int32_t i = 0; i < n / 16; i++) {
            EC_NEON_MIX16(a + 4 * i, v + 16 * i, w, 0);
        }
    }
#pragma GCC unroll 8
    for (int32_t i = 0; i < n / 4; i++) {
        vst1q_s32(acc + 4 * i, a[i]);
    }
}

/* The part of ec_mix that comes in fours of values; returns how far that went. */
static inline int32_t ec_neon_mixed(const int32_t *weight, const int8_t *v, int32_t step, int32_t count, int32_t n,
                                    int32_t *acc)
{
    int32_t i = 0;

    for (; i + 32 <= n; i += 32) {
        ec_neon_mix(weight, v + i, step, count, acc + i, 32);
    }
    if (i + 16 <= n) {
        ec_neon_mix(weight, v + i, step, count, acc + i, 16);
        i += 16;
    }
    for (; i + 4 <= n; i += 4) {
        int32x4_t a = vld1q_s32(acc + i);
        const int8_t *x = v + i;
        for (int32_t k = 0; k < count; k++, x += step) {
            a = vmlal_n_s16(a, ec_neon_four(x), (int16_t)weight[k]);
        }
        vst1q_s32(acc + i, a);
    }
    return i;
}
#endif

#endif
