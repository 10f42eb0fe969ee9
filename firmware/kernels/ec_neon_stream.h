/* Rows of int8 or int16 as vectors of 32 bits, with Advanced SIMD: what binary ops and changes of format share. */
#ifndef EC_NEON_STREAM_H
#define EC_NEON_STREAM_H

#include "ec_dsp.h"
#include "ec_neon.h"

#ifdef EC_HAVE_NEON
/* Elements in their order. A pointer moves: a step of an index would be one of many. */
typedef struct {
    const int8_t *at;
    int32_t step;
    int32_t wide;
    int32_t zero;
} ec_neon_stream;

static inline ec_neon_stream ec_neon_stream_of(const void *x, int32_t wide, int32_t step, int32_t zero)
{
    const ec_neon_stream s = {(const int8_t *)x, step, wide, zero};
    return s;
}

/* The next 4 * fours elements, one and the same where step is 0, less the zero point. */
EC_INLINE void ec_neon_take(ec_neon_stream *s, int32x4_t *to, int fours)
{
    if (s->step == 0) {
        const int32_t x = (s->wide ? *(const int16_t *)(const void *)s->at : *s->at) - s->zero;
#pragma GCC unroll 4
        for (int k = 0; k < fours; k++) {
            to[k] = vdupq_n_s32(x);
        }
        return;
    }
    if (s->wide) {
#pragma GCC unroll 4
        for (int k = 0; k < fours; k++) {
            to[k] = vsubl_s16(vld1_s16((const int16_t *)(const void *)s->at + 4 * k), vdup_n_s16((int16_t)s->zero));
        }
        s->at += 8 * fours;
    } else {
#pragma GCC unroll 2
        for (int k = 0; k < fours; k += 2) {
            const int16x8_t v = vsubl_s8(vld1_s8(s->at + 4 * k), vdup_n_s8((int8_t)s->zero));
            to[k] = vmovl_s16(vget_low_s16(v));
            to[k + 1] = vmovl_high_s16(v);
        }
        s->at += 4 * fours;
    }
    EC_STEPPED(s->at);
}

/* Where results go, clamped to lo..hi. */
typedef struct {
    int8_t *at;
    int32_t wide;
    int32_t lo;
    int32_t hi;
} ec_neon_sink;

EC_INLINE void ec_neon_put(ec_neon_sink *s, const int32x4_t *x, int fours)
{
#pragma GCC unroll 2
    for (int k = 0; k < fours; k += 2) {
        int16x8_t v = vqmovn_high_s32(vqmovn_s32(x[k]), x[k + 1]);
        v = vminq_s16(vmaxq_s16(v, vdupq_n_s16((int16_t)s->lo)), vdupq_n_s16((int16_t)s->hi));
        if (s->wide) {
            vst1q_s16((int16_t *)(void *)s->at, v);
            s->at += 16;
        } else {
            vst1_s8(s->at, vmovn_s16(v));
            s->at += 8;
        }
    }
    EC_STEPPED(s->at);
}

/* y = x less its zero point, requantized, of the values that come in eights; returns how many. */
static inline int32_t ec_neon_requant_eights(ec_neon_stream x, int32_t n, int32_t multiplier, int32_t shift,
                                             int32_t zero, ec_neon_sink y)
{
    const int32x4_t m = vdupq_n_s32(multiplier);
    const int32x4_t by = vdupq_n_s32(shift);
    int32x4_t v[4];
    int32_t i = 0;

    for (; i + 16 <= n; i += 16) {
        ec_neon_take(&x, v, 4);
#pragma GCC unroll 4
        for (int k = 0; k < 4; k++) {
            v[k] = vaddq_s32(ec_neon_requant(v[k], m, by), vdupq_n_s32(zero));
        }
        ec_neon_put(&y, v, 4);
    }
    if (i + 8 <= n) {
        ec_neon_take(&x, v, 2);
#pragma GCC unroll 2
        for (int k = 0; k < 2; k++) {
            v[k] = vaddq_s32(ec_neon_requant(v[k], m, by), vdupq_n_s32(zero));
        }
        ec_neon_put(&y, v, 2);
        i += 8;
    }
    return i;
}
#endif

#endif
