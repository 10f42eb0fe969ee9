/* Helium (the M-profile Vector Extension of Armv8.1-M): what its kernels share.
 *
 * EC_HAVE_MVE is defined where it exists. Every kernel for it compiles without it, too, to plain C that
 * takes the same parameters and gives the same bytes: so a library for a Cortex-M55 also runs on the host.
 * Loops have the form that compilers turn into ones with a count in lr and a predicated tail.
 */
#ifndef EC_MVE_H
#define EC_MVE_H

#include "ec_dsp.h"

/* In front of a loop over a few addresses. */
#if defined(__clang__)
#define EC_SCALAR_LOOP _Pragma("clang loop unroll(disable) vectorize(disable)")
#else
#define EC_SCALAR_LOOP
#endif

#if defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 1)
#include <arm_mve.h>
#define EC_HAVE_MVE 1

/* ec_requant of four values by shifts that are not positive. vrshl rounds halves up; one less is shifted
 * where they must go down: where value and shift are negative. */
static inline int32x4_t ec_requant_x4(int32x4_t acc, int32x4_t m, int32x4_t shift)
{
    const int32x4_t x = vqrdmulhq_s32(acc, m);
    const int32x4_t down = vshrq_n_s32(vandq_s32(x, shift), 31);

    return vrshlq_s32(vaddq_s32(x, down), shift);
}

/* The same by any shifts. */
static inline int32x4_t ec_requant_any_x4(int32x4_t acc, int32x4_t m, int32x4_t shift)
{
    const int32x4_t none = vdupq_n_s32(0);

    return ec_requant_x4(vshlq_s32(acc, vmaxq_s32(shift, none)), m, vminq_s32(shift, none));
}

/* A multiplier and a shift for all values. */
typedef struct {
    int32_t multiplier;
    int32_t left;
    int32_t right;    /* not positive */
    int32x4_t shifts; /* all bits where right is negative */
} ec_factor;

static inline ec_factor ec_factor_of(int32_t multiplier, int32_t shift)
{
    const ec_factor f = {multiplier, ec_max(shift, 0), ec_min(shift, 0), vdupq_n_s32(shift >> 31)};
    return f;
}

static inline int32x4_t ec_requant_by_x4(int32x4_t acc, ec_factor f)
{
    const int32x4_t x = vqrdmulhq_n_s32(vshlq_r_s32(acc, f.left), f.multiplier);
    const int32x4_t down = vandq_s32(vshrq_n_s32(x, 31), f.shifts);

    return vrshlq_n_s32(vaddq_s32(x, down), f.right);
}

/* The same by one multiplier and one shift, which is negative. */
static inline int32x4_t ec_requant_n_x4(int32x4_t acc, int32_t m, int32_t shift)
{
    const int32x4_t x = vqrdmulhq_n_s32(acc, m);

    return vrshlq_n_s32(vaddq_s32(x, vshrq_n_s32(x, 31)), shift);
}

/* acc[0], acc[1]: products of x[0] with w[0], w[1]; acc[2], acc[3]: of x[1]. n > 0. */
static inline void ec_dot2x2(const int8_t *const x[2], const int8_t *const w[2], int32_t n, int32_t acc[4])
{
    const int8_t *x0 = x[0];
    const int8_t *x1 = x[1];
    const int8_t *w0 = w[0];
    const int8_t *w1 = w[1];
    int32_t a0 = acc[0];
    int32_t a1 = acc[1];
    int32_t a2 = acc[2];
    int32_t a3 = acc[3];

    do {
        const mve_pred16_t p = vctp8q((uint32_t)n);
        const int8x16_t u = vldrbq_z_s8(x0, p);
        const int8x16_t v = vldrbq_z_s8(x1, p);
        const int8x16_t s = vldrbq_z_s8(w0, p);
        const int8x16_t t = vldrbq_z_s8(w1, p);
        a0 = vmladavaq_p_s8(a0, u, s, p);
        a1 = vmladavaq_p_s8(a1, u, t, p);
        a2 = vmladavaq_p_s8(a2, v, s, p);
        a3 = vmladavaq_p_s8(a3, v, t, p);
        x0 += 16;
        x1 += 16;
        w0 += 16;
        w1 += 16;
        n -= 16;
    } while (n > 0);
    acc[0] = a0;
    acc[1] = a1;
    acc[2] = a2;
    acc[3] = a3;
}

/* acc[k] += the product of x with w[k]. n > 0. */
static inline void ec_dot1x4(const int8_t *x, const int8_t *const w[4], int32_t n, int32_t acc[4])
{
    const int8_t *w0 = w[0];
    const int8_t *w1 = w[1];
    const int8_t *w2 = w[2];
    const int8_t *w3 = w[3];
    int32_t a0 = acc[0];
    int32_t a1 = acc[1];
    int32_t a2 = acc[2];
    int32_t a3 = acc[3];

    do {
        const mve_pred16_t p = vctp8q((uint32_t)n);
        const int8x16_t u = vldrbq_z_s8(x, p);
        a0 = vmladavaq_p_s8(a0, u, vldrbq_z_s8(w0, p), p);
        a1 = vmladavaq_p_s8(a1, u, vldrbq_z_s8(w1, p), p);
        a2 = vmladavaq_p_s8(a2, u, vldrbq_z_s8(w2, p), p);
        a3 = vmladavaq_p_s8(a3, u, vldrbq_z_s8(w3, p), p);
        x += 16;
        w0 += 16;
        w1 += 16;
        w2 += 16;
        w3 += 16;
        n -= 16;
    } while (n > 0);
    acc[0] = a0;
    acc[1] = a1;
    acc[2] = a2;
    acc[3] = a3;
}
#endif

/* to[0..n) = from[0..n), apart. */
static inline void ec_copy_s8(int8_t *to, const int8_t *from, int32_t n)
{
#ifdef EC_HAVE_MVE
    for (; n > 0; n -= 16, from += 16, to += 16) {
        const mve_pred16_t p = vctp8q((uint32_t)n);
        vstrbq_p_s8(to, vldrbq_z_s8(from, p), p);
    }
#else
    memcpy(to, from, (size_t)n);
#endif
}

/* to[0..n) = value */
static inline void ec_fill_s8(int8_t *to, int32_t value, int32_t n)
{
#ifdef EC_HAVE_MVE
    for (; n > 0; n -= 16, to += 16) {
        vstrbq_p_s8(to, vdupq_n_s8((int8_t)value), vctp8q((uint32_t)n));
    }
#else
    memset(to, value, (size_t)n);
#endif
}

#endif
