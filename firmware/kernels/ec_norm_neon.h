/* Normalized values (ec_norm.h) and sums of vectors (ec_sums.h) with Advanced SIMD. */
#ifndef EC_NORM_NEON_H
#define EC_NORM_NEON_H

#include "ec_neon.h"
#include "ec_norm.h"

#ifdef EC_HAVE_NEON
/* Eight normalized values. even: factor and offset are, and there is no shift to the right. */
EC_INLINE int16x8_t ec_neon_norm8(const ec_norm *m, int16x8_t x, const int16_t *gamma, const int32_t *beta,
                                  int32_t shift, int even)
{
    const int16x8_t scales = vld1q_s16(gamma);
    const int32x4_t by[2] = {vshll_n_s16(vget_low_s16(scales), 15), vshll_n_s16(vget_high_s16(scales), 15)};
    int32x4_t h[2] = {vmovl_s16(vget_low_s16(x)), vmovl_high_s16(x)};

#pragma GCC unroll 2
    for (int k = 0; k < 2; k++) {
        h[k] = vmlaq_n_s32(vdupq_n_s32((int32_t)m->offset), h[k], (int32_t)m->factor);
        if (even) {
            h[k] = vqrdmulhq_n_s32(vshrq_n_s32(h[k], 1), m->root); /* 2 (u / 2) root / 2^32 */
        } else {
            const int32x4_t u = vshlq_s32(h[k], vdupq_n_s32(-m->right));
            h[k] = vrshrn_high_n_s64(vrshrn_n_s64(vmull_n_s32(vget_low_s32(u), m->root), 32),
                                     vmull_high_n_s32(u, m->root), 32);
        }
        h[k] = vaddq_s32(vqdmulhq_s32(h[k], by[k]), vld1q_s32(beta + 4 * k)); /* 2 h (gamma << 15) / 2^32 */
        h[k] = vshlq_s32(h[k], vdupq_n_s32(-shift));
    }
    return vqmovn_high_s32(vqmovn_s32(h[0]), h[1]);
}

/* The values of a vector that come in eights; returns how many. */
EC_INLINE int32_t ec_neon_norm_eights(const ec_norm *m, const void *x, int wide, int32_t n, const int16_t *gamma,
                                      const int32_t *beta, int32_t shift, void *y, int y_wide, int even)
{
    int32_t c = 0;

    EC_NO_UNROLL
    for (; c + 16 <= n; c += 16) {
        int16x8_t v[2];
        if (wide) {
            v[0] = vld1q_s16((const int16_t *)x + c);
            v[1] = vld1q_s16((const int16_t *)x + c + 8);
        } else {
            const int8x16_t narrow = vld1q_s8((const int8_t *)x + c);
            v[0] = vmovl_s8(vget_low_s8(narrow));
            v[1] = vmovl_high_s8(narrow);
        }
        v[0] = ec_neon_norm8(m, v[0], gamma + c, beta + c, shift, even);
        v[1] = ec_neon_norm8(m, v[1], gamma + c + 8, beta + c + 8, shift, even);
        if (y_wide) {
            vst1q_s16((int16_t *)y + c, v[0]);
            vst1q_s16((int16_t *)y + c + 8, v[1]);
        } else {
            vst1q_s8((int8_t *)y + c, vqmovn_high_s16(vqmovn_s16(v[0]), v[1]));
        }
    }
    if (c + 8 <= n) {
        const int16x8_t v = wide ? vld1q_s16((const int16_t *)x + c) : vmovl_s8(vld1_s8((const int8_t *)x + c));
        const int16x8_t q = ec_neon_norm8(m, v, gamma + c, beta + c, shift, even);
        if (y_wide) {
            vst1q_s16((int16_t *)y + c, q);
        } else {
            vst1_s8((int8_t *)y + c, vqmovn_s16(q));
        }
        c += 8;
    }
    return c;
}

EC_INLINE int32_t ec_neon_norm(const ec_norm *norm, const void *x, int wide, int32_t n, const int16_t *gamma,
                               const int32_t *beta, int32_t shift, void *y, int y_wide)
{
    const ec_norm m = *norm;

    return m.right == 0 && ((m.factor | m.offset) & 1u) == 0u
               ? ec_neon_norm_eights(&m, x, wide, n, gamma, beta, shift, y, y_wide, 1)
               : ec_neon_norm_eights(&m, x, wide, n, gamma, beta, shift, y, y_wide, 0);
}

/* Sum and sum of squares of the values that come in sixteens; return how many. */
static inline int32_t ec_neon_sums_s8(const int8_t *x, int32_t n, int32_t *sum, int32_t *squares)
{
    int32x4_t s1 = vdupq_n_s32(0);
    int32x4_t s2 = s1;
    int32_t i = 0;

    for (; i + 16 <= n; i += 16) {
        const int8x16_t v = vld1q_s8(x + i);
        s1 = vpadalq_s16(s1, vpaddlq_s8(v));
        s2 = vpadalq_s16(s2, vmull_s8(vget_low_s8(v), vget_low_s8(v)));
        s2 = vpadalq_s16(s2, vmull_high_s8(v, v));
    }
    *sum += vaddvq_s32(s1);
    *squares += vaddvq_s32(s2);
    return i;
}

static inline int32_t ec_neon_sums_s16(const int16_t *x, int32_t n, int32_t *sum, int64_t *squares)
{
    int32x4_t s1 = vdupq_n_s32(0);
    int64x2_t s2 = vdupq_n_s64(0);
    int32_t i = 0;

    for (; i + 16 <= n; i += 16) {
#pragma GCC unroll 2
        for (int k = 0; k < 2; k++) {
            const int16x8_t v = vld1q_s16(x + i + 8 * k);
            s1 = vpadalq_s16(s1, v);
            s2 = vpadalq_s32(s2, vmull_s16(vget_low_s16(v), vget_low_s16(v)));
            s2 = vpadalq_s32(s2, vmull_high_s16(v, v));
        }
    }
    *sum += vaddvq_s32(s1);
    *squares += vaddvq_s64(s2);
    return i;
}
#endif

#endif
