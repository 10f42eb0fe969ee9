/* The inner loops of ec_wide.h for Advanced SIMD. */
#ifndef EC_WIDE_NEON_H
#define EC_WIDE_NEON_H

#include "ec_neon.h"

#ifdef EC_HAVE_NEON
EC_INLINE int32x4_t ec_neon_dot8(int32x4_t acc, int16x8_t a, int8x8_t b)
{
    const int16x8_t w = vmovl_s8(b);
    return vmlal_high_s16(vmlal_s16(acc, vget_low_s16(a), vget_low_s16(w)), a, w);
}

/* The part of four dot products that comes in eights; returns how far that went. */
static inline int32_t ec_neon_dots4(const int16_t *a, const int8_t *b, int32_t step, int32_t n, int32_t *acc)
{
    int32x4_t s0 = vdupq_n_s32(0);
    int32x4_t s1 = s0;
    int32x4_t s2 = s0;
    int32x4_t s3 = s0;
    int32_t i = 0;

    for (; i + 8 <= n; i += 8, b += 8) {
        const int16x8_t x = vld1q_s16(a + i);
        s0 = ec_neon_dot8(s0, x, vld1_s8(b));
        s1 = ec_neon_dot8(s1, x, vld1_s8(b + step));
        s2 = ec_neon_dot8(s2, x, vld1_s8(b + 2 * step));
        s3 = ec_neon_dot8(s3, x, vld1_s8(b + 3 * step));
    }
    vst1q_s32(acc, vpaddq_s32(vpaddq_s32(s0, s1), vpaddq_s32(s2, s3)));
    return i;
}

/* acc[0..15] += sum over count of weight[k] * sixteen values at v + k * step. */
static inline void ec_neon_mix16(const int32_t *weight, const int8_t *v, int32_t step, int32_t count, int32_t *acc)
{
    int32x4_t a0 = vld1q_s32(acc);
    int32x4_t a1 = vld1q_s32(acc + 4);
    int32x4_t a2 = vld1q_s32(acc + 8);
    int32x4_t a3 = vld1q_s32(acc + 12);

    for (int32_t k = 0; k < count; k++, v += step) {
        const int8x16_t x = vld1q_s8(v);
        const int16x8_t low = vmovl_s8(vget_low_s8(x));
        const int16x8_t high = vmovl_high_s8(x);
        const int16x8_t w = vdupq_n_s16((int16_t)weight[k]);
        a0 = vmlal_s16(a0, vget_low_s16(low), vget_low_s16(w));
        a1 = vmlal_high_s16(a1, low, w);
        a2 = vmlal_s16(a2, vget_low_s16(high), vget_low_s16(w));
        a3 = vmlal_high_s16(a3, high, w);
    }
    vst1q_s32(acc, a0);
    vst1q_s32(acc + 4, a1);
    vst1q_s32(acc + 8, a2);
    vst1q_s32(acc + 12, a3);
}
#endif

#endif
