/* Sums and maxima of pixels, sixteen channels at a time or eight, with Advanced SIMD. */
#ifndef EC_POOL_NEON_H
#define EC_POOL_NEON_H

#include "ec_dsp.h"
#include "ec_neon.h"

#ifdef EC_HAVE_NEON
/* `channels` values: sixteen, or eight and as many zeros. */
EC_INLINE int8x16_t ec_neon_load_s8(const int8_t *x, int channels)
{
    return channels == 16 ? vld1q_s8(x) : vcombine_s8(vld1_s8(x), vdup_n_s8(0));
}

EC_INLINE void ec_neon_store_s8(int8_t *y, int8x16_t v, int channels)
{
    if (channels == 16) {
        vst1q_s8(y, v);
    } else {
        vst1_s8(y, vget_low_s8(v));
    }
}

/* sum += `channels` channels of n pixels, `step` bytes apart. 256 of them have a sum of 16 bits. */
EC_INLINE void ec_neon_add_line(const int8_t *x, int32_t step, int32_t n, int32x4_t sum[4], int channels)
{
    while (n > 0) {
        int16x8_t low = vdupq_n_s16(0);
        int16x8_t high = low;
        int32_t some = ec_min(n, 256);
        n -= some;
        EC_NO_UNROLL
        for (; some > 0; some--, x += step) {
            const int8x16_t v = ec_neon_load_s8(x, channels);
            low = vaddw_s8(low, vget_low_s8(v));
            high = vaddw_high_s8(high, v);
        }
        sum[0] = vaddw_s16(sum[0], vget_low_s16(low));
        sum[1] = vaddw_high_s16(sum[1], low);
        sum[2] = vaddw_s16(sum[2], vget_low_s16(high));
        sum[3] = vaddw_high_s16(sum[3], high);
    }
}

/* The same of int16, `step` values apart. */
EC_INLINE void ec_neon_add_wide_line(const int16_t *x, int32_t step, int32_t n, int32x4_t sum[4], int channels)
{
    for (; n > 0; n--, x += step) {
        const int16x8_t low = vld1q_s16(x);
        const int16x8_t high = channels == 16 ? vld1q_s16(x + 8) : low;
        sum[0] = vaddw_s16(sum[0], vget_low_s16(low));
        sum[1] = vaddw_high_s16(sum[1], low);
        sum[2] = vaddw_s16(sum[2], vget_low_s16(high));
        sum[3] = vaddw_high_s16(sum[3], high);
    }
}

/* The larger of `most` and n pixels. */
EC_INLINE int8x16_t ec_neon_largest(const int8_t *x, int32_t step, int32_t n, int8x16_t most, int channels)
{
    EC_NO_UNROLL
    for (; n > 0; n--, x += step) {
        most = vmaxq_s8(most, ec_neon_load_s8(x, channels));
    }
    return most;
}

static inline int8x16_t ec_neon_clamp8(int8x16_t x, int32_t lo, int32_t hi)
{
    return vminq_s8(vmaxq_s8(x, vdupq_n_s8((int8_t)lo)), vdupq_n_s8((int8_t)hi));
}

/* Sixteen values of 32 bits, saturated. */
static inline int8x16_t ec_neon_narrow(const int32x4_t x[4])
{
    const int16x8_t low = vqmovn_high_s32(vqmovn_s32(x[0]), x[1]);
    const int16x8_t high = vqmovn_high_s32(vqmovn_s32(x[2]), x[3]);
    return vqmovn_high_s16(vqmovn_s16(low), high);
}
#endif

#endif
