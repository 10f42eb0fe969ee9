/* The weights of ec_exp2.h for Advanced SIMD: two tables of bytes instead of one, which TBL looks up. */
#ifndef EC_EXP2_NEON_H
#define EC_EXP2_NEON_H

#include "ec_neon.h"

#ifdef EC_HAVE_NEON
/* exp2[0..63], their lower and their upper bytes; exp2[64] is half of exp2[0], 0x4000. */
typedef struct {
    uint8x16x4_t low;
    uint8x16x4_t high;
} ec_neon_points;

EC_INLINE ec_neon_points ec_neon_points_of(const uint16_t *exp2)
{
    const uint8_t *bytes = (const uint8_t *)exp2;
    ec_neon_points p;

#pragma GCC unroll 4
    for (int k = 0; k < 4; k++) {
        const uint8x16x2_t x = vld2q_u8(bytes + 32 * k);
        p.low.val[k] = x.val[0];
        p.high.val[k] = x.val[1];
    }
    return p;
}

/* Eight weights in 16 bits: t and `next` are points, the position between them is the lower 10 bits of u, and the
 * result is halved as often as the rest of u says. */
EC_INLINE uint16x8_t ec_neon_weights8(uint16x8_t t, uint16x8_t next, uint32x4_t u0, uint32x4_t u1, int32_t drop)
{
    const uint16x8_t fall = vsubq_u16(t, next);
    const uint16x8_t part = vandq_u16(vmovn_high_u32(vmovn_u32(u0), u1), vdupq_n_u16(1023));
    const uint32x4_t line0 = vmull_u16(vget_low_u16(fall), vget_low_u16(part));
    const uint32x4_t line1 = vmull_high_u16(fall, part);
    const uint16x8_t line = vrshrn_high_n_u32(vrshrn_n_u32(line0, 10), line1, 10);
    const int16x8_t right = vreinterpretq_s16_u16(vshrn_high_n_u32(vshrn_n_u32(u0, 16), u1, 16));

    return vrshlq_u16(vsubq_u16(t, line), vsubq_s16(vdupq_n_s16((int16_t)(-1 - drop)), right));
}

/* The weights that come in sixteens; adds them to *total and returns how many. */
static inline int32_t ec_neon_exp2(int32_t *score, int32_t n, int32_t most, int32_t fraction, int32_t drop,
                                   const uint16_t *exp2, int32_t *total)
{
    const ec_neon_points points = ec_neon_points_of(exp2);
    const int32x4_t far = vdupq_n_s32(20 << fraction); /* as good as excluded */
    const int32x4_t up = vdupq_n_s32(16 - fraction);
    uint32x4_t sum = vdupq_n_u32(0);
    int32_t s = 0;

    for (; s + 16 <= n; s += 16) {
        uint32x4_t u[4];
#pragma GCC unroll 4
        for (int k = 0; k < 4; k++) {
            const int32x4_t below = vsubq_s32(vdupq_n_s32(most), vld1q_s32(score + s + 4 * k));
            u[k] = vreinterpretq_u32_s32(vshlq_s32(vminq_s32(below, far), up));
        }
        const uint16x8_t low = vshrn_high_n_u32(vshrn_n_u32(u[0], 10), u[1], 10);
        const uint16x8_t high = vshrn_high_n_u32(vshrn_n_u32(u[2], 10), u[3], 10);
        const uint8x16_t at = vandq_u8(vmovn_high_u16(vmovn_u16(low), high), vdupq_n_u8(63));
        const uint8x16_t behind = vaddq_u8(at, vdupq_n_u8(1));
        const uint8x16_t t0 = vqtbl4q_u8(points.low, at);
        const uint8x16_t t1 = vqtbl4q_u8(points.high, at);
        const uint8x16_t next0 = vqtbl4q_u8(points.low, behind);
        const uint8x16_t next1 = vqtbx4q_u8(vdupq_n_u8(0x40), points.high, behind);
        const uint16x8_t e0 =
            ec_neon_weights8(vreinterpretq_u16_u8(vzip1q_u8(t0, t1)), vreinterpretq_u16_u8(vzip1q_u8(next0, next1)),
                             u[0], u[1], drop);
        const uint16x8_t e1 =
            ec_neon_weights8(vreinterpretq_u16_u8(vzip2q_u8(t0, t1)), vreinterpretq_u16_u8(vzip2q_u8(next0, next1)),
                             u[2], u[3], drop);
        sum = vpadalq_u16(vpadalq_u16(sum, e0), e1);
        vst1q_s32(score + s, vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(e0))));
        vst1q_s32(score + s + 4, vreinterpretq_s32_u32(vmovl_high_u16(e0)));
        vst1q_s32(score + s + 8, vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(e1))));
        vst1q_s32(score + s + 12, vreinterpretq_s32_u32(vmovl_high_u16(e1)));
    }
    *total += (int32_t)vaddvq_u32(sum);
    return s;
}
#endif

#endif
