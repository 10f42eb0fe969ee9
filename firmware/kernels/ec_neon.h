/* What the kernels for AArch64's Advanced SIMD share.
 *
 * EC_HAVE_NEON is defined where it exists, EC_HAVE_SDOT where its dot product does; elsewhere the same kernels
 * are plain C with the same parameters and the same results.
 */
#ifndef EC_NEON_H
#define EC_NEON_H

#include "edgec.h"

#if defined(__aarch64__) && defined(__ARM_NEON)
#include <arm_neon.h>
#define EC_HAVE_NEON 1
#if defined(__ARM_FEATURE_DOTPROD)
#define EC_HAVE_SDOT 1
#endif

/* x / 2^-right, ties away from zero; right <= 0, x above INT32_MIN. SRSHL rounds ties up: below zero one is taken
 * off first, but not where there is no shift. */
EC_INLINE int32x4_t ec_neon_rshift(int32x4_t x, int32x4_t right)
{
    return vrshlq_s32(vsraq_n_s32(x, vandq_s32(x, right), 31), right);
}

/* ec_requant of four values, each with its own multiplier and shift. */
EC_INLINE int32x4_t ec_neon_requant(int32x4_t acc, int32x4_t multiplier, int32x4_t shift)
{
    const int32x4_t none = vdupq_n_s32(0);
    const int32x4_t x = vqrdmulhq_s32(vshlq_s32(acc, vmaxq_s32(shift, none)), multiplier);

    return ec_neon_rshift(x, vminq_s32(shift, none));
}
#endif

/* Copies n bytes; they do not overlap. */
EC_INLINE void ec_copy(int8_t *to, const int8_t *from, int32_t n)
{
#ifdef EC_HAVE_NEON
    if (n >= 16) {
        const int8_t *end = from + n - 16;
        for (; from < end; from += 16, to += 16) {
            vst1q_s8(to, vld1q_s8(from));
        }
        vst1q_s8(to - (from - end), vld1q_s8(end));
        return;
    }
    if (n >= 8) {
        const int8x8_t end = vld1_s8(from + n - 8);
        vst1_s8(to, vld1_s8(from));
        vst1_s8(to + n - 8, end);
        return;
    }
#endif
    memcpy(to, from, (size_t)n);
}

#endif
