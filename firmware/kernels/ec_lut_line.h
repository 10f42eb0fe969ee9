/* A function given by points 128 apart on the int16 range, a line between them. */
#ifndef EC_LUT_LINE_H
#define EC_LUT_LINE_H

#include "ec_mve.h"
#include "ec_neon.h"

/* table [513]; the result is in 1/128 of its unit. */
static inline int32_t ec_lut_line(const int16_t *table, int32_t x)
{
    const int16_t *t = table + ((x + 32768) >> 7);
    return t[0] * 128 + (t[1] - t[0]) * (x & 127);
}

#ifdef EC_HAVE_NEON
/* Four results. */
EC_INLINE int32x4_t ec_neon_lut_lines(const int16_t *table, const int16_t *x)
{
    const int16_t *middle = table + 256;
    const int16x4_t v = vld1_s16(x);
    int32x4_t pairs = vdupq_n_s32(0); /* of points that follow each other */
    pairs = vld1q_lane_s32((const int32_t *)(const void *)(middle + (x[0] >> 7)), pairs, 0);
    pairs = vld1q_lane_s32((const int32_t *)(const void *)(middle + (x[1] >> 7)), pairs, 1);
    pairs = vld1q_lane_s32((const int32_t *)(const void *)(middle + (x[2] >> 7)), pairs, 2);
    pairs = vld1q_lane_s32((const int32_t *)(const void *)(middle + (x[3] >> 7)), pairs, 3);
    const int16x4_t from = vmovn_s32(pairs);
    const int32x4_t rise = vsubq_s32(vshrq_n_s32(pairs, 16), vmovl_s16(from));
    return vmlaq_s32(vshll_n_s16(from, 7), rise, vmovl_s16(vand_s16(v, vdup_n_s16(127))));
}
#endif

#ifdef EC_HAVE_MVE
/* The same for four values. */
static inline int32x4_t ec_lut_line_x4(const int16_t *table, int32x4_t x, mve_pred16_t live)
{
    const uint32x4_t at = vreinterpretq_u32_s32(vshrq_n_s32(vaddq_n_s32(x, 32768), 7));
    const int32x4_t t = vldrhq_gather_shifted_offset_z_s32(table, at, live);
    const int32x4_t next = vldrhq_gather_shifted_offset_z_s32(table + 1, at, live);
    const int32x4_t part = vandq_s32(x, vdupq_n_s32(127));

    return vaddq_s32(vshlq_n_s32(t, 7), vmulq_s32(vsubq_s32(next, t), part));
}
#endif

#endif
