#include "ec_wide.h"

#include "ec_mve.h"
#include "ec_wide_neon.h"

#ifdef EC_HAVE_MVE

/* Four dot products side by side. */
static void dots4(const int16_t *a, const int8_t *b, int32_t step, int32_t n, int32_t *acc)
{
    const int8_t *b1 = b + step;
    const int8_t *b2 = b1 + step;
    const int8_t *b3 = b2 + step;
    int32_t s0 = 0;
    int32_t s1 = 0;
    int32_t s2 = 0;
    int32_t s3 = 0;

    do {
        const mve_pred16_t p = vctp16q((uint32_t)n);
        const int16x8_t x = vldrhq_z_s16(a, p);
        s0 = vmladavaq_p_s16(s0, x, vldrbq_z_s16(b, p), p);
        s1 = vmladavaq_p_s16(s1, x, vldrbq_z_s16(b1, p), p);
        s2 = vmladavaq_p_s16(s2, x, vldrbq_z_s16(b2, p), p);
        s3 = vmladavaq_p_s16(s3, x, vldrbq_z_s16(b3, p), p);
        a += 8;
        b += 8;
        b1 += 8;
        b2 += 8;
        b3 += 8;
        n -= 8;
    } while (n > 0);
    acc[0] = s0;
    acc[1] = s1;
    acc[2] = s2;
    acc[3] = s3;
}

static int32_t dot(const int16_t *a, const int8_t *b, int32_t n)
{
    int32_t s = 0;

    for (; n > 0; n -= 8, a += 8, b += 8) {
        const mve_pred16_t p = vctp16q((uint32_t)n);
        s = vmladavaq_p_s16(s, vldrhq_z_s16(a, p), vldrbq_z_s16(b, p), p);
    }
    return s;
}

void ec_widen_s8(const int8_t *x, int32_t n, int32_t zero, int16_t *y)
{
    for (; n > 0; n -= 8, x += 8, y += 8) {
        const mve_pred16_t p = vctp16q((uint32_t)n);
        vstrhq_p_s16(y, vsubq_n_s16(vldrbq_z_s16(x, p), (int16_t)zero), p);
    }
}

void ec_wide_dots(const int16_t *a, const int8_t *b, int32_t step, int32_t count, int32_t n, int32_t *acc)
{
    int32_t k = 0;

    for (; k + 4 <= count; k += 4, b += 4 * step) {
        dots4(a, b, step, n, acc + k);
    }
    for (; k < count; k++, b += step) {
        acc[k] = dot(a, b, n);
    }
}

void ec_mix(const int32_t *weight, const int8_t *v, int32_t step, int32_t count, int32_t n, int32_t *acc)
{
    int32_t i = 0;

    for (; i + 16 <= n; i += 16) {
        int32x4_t a0 = vldrwq_s32(acc + i);
        int32x4_t a1 = vldrwq_s32(acc + i + 4);
        int32x4_t a2 = vldrwq_s32(acc + i + 8);
        int32x4_t a3 = vldrwq_s32(acc + i + 12);
        const int8_t *x = v + i;
        EC_SCALAR_LOOP
        for (int32_t k = 0; k < count; k++, x += step) {
            const int32_t w = weight[k];
            a0 = vmlaq_n_s32(a0, vldrbq_s32(x), w);
            a1 = vmlaq_n_s32(a1, vldrbq_s32(x + 4), w);
            a2 = vmlaq_n_s32(a2, vldrbq_s32(x + 8), w);
            a3 = vmlaq_n_s32(a3, vldrbq_s32(x + 12), w);
        }
        vstrwq_s32(acc + i, a0);
        vstrwq_s32(acc + i + 4, a1);
        vstrwq_s32(acc + i + 8, a2);
        vstrwq_s32(acc + i + 12, a3);
    }
    for (; i < n; i += 4) {
        const mve_pred16_t p = vctp32q((uint32_t)(n - i));
        int32x4_t a = vldrwq_z_s32(acc + i, p);
        for (int32_t k = 0; k < count; k++) {
            a = vmlaq_n_s32(a, vldrbq_z_s32(v + k * step + i, p), weight[k]);
        }
        vstrwq_p_s32(acc + i, a, p);
    }
}

#elif defined(EC_HAVE_NEON)

void ec_widen_s8(const int8_t *x, int32_t n, int32_t zero, int16_t *y)
{
    for (int32_t i = ec_neon_widen16(x, n, zero, y); i < n; i++) {
        y[i] = (int16_t)(x[i] - zero);
    }
}

void ec_wide_dots(const int16_t *a, const int8_t *b, int32_t step, int32_t count, int32_t n, int32_t *acc)
{
    for (; count >= 8; count -= 8, b += 8 * step, acc += 8) {
        ec_neon_dots(a, b, step, n, acc, 8);
    }
    if (count >= 4) {
        ec_neon_dots(a, b, step, n, acc, 4);
        count -= 4;
        b += 4 * step;
        acc += 4;
    }
    for (; count > 0; count--, b += step, acc++) {
        ec_neon_dots(a, b, step, n, acc, 1);
    }
}

void ec_mix(const int32_t *weight, const int8_t *v, int32_t step, int32_t count, int32_t n, int32_t *acc)
{
    for (int32_t i = ec_neon_mixed(weight, v, step, count, n, acc); i < n; i++) {
        for (int32_t k = 0; k < count; k++) {
            acc[i] += weight[k] * v[k * step + i];
        }
    }
}

#else
#ifdef EC_HAVE_DSP

/* Every four values in the order 0 2 1 3, which is that in which int8 values unpack. */
static int32_t widen4(const int8_t *x, int32_t n, int32_t zero, int16_t *y)
{
    int32_t i = 0;
    for (; i + 4 <= n; i += 4) {
        y[i] = (int16_t)(x[i] - zero);
        y[i + 1] = (int16_t)(x[i + 2] - zero);
        y[i + 2] = (int16_t)(x[i + 1] - zero);
        y[i + 3] = (int16_t)(x[i + 3] - zero);
    }
    return i;
}

/* Unrolled further, these loops would not keep their values in registers. */
#if defined(__clang__)
#define ROLLED _Pragma("clang loop unroll(disable)")
#else
#define ROLLED
#endif

/* acc[k] = the part of four dot products that comes in fours; returns how far that went. */
static int32_t dots4(const int16_t *a, const int8_t *b, int32_t step, int32_t n, int32_t *acc)
{
    const int16_t *end = a + (n & ~3);
    const int8_t *c = b + 2 * step;
    int32_t s0 = 0;
    int32_t s1 = 0;
    int32_t s2 = 0;
    int32_t s3 = 0;
    ROLLED
    for (; a < end; a += 4, b += 4, c += 4) {
        const uint32_t even = ec_pair(a);
        const uint32_t odd = ec_pair(a + 2);
        uint32_t x = ec_word(b);
        s0 = ec_smlad(even, ec_sxtb16(x), s0);
        s0 = ec_smlad(odd, ec_sxtb16(ec_ror(x, 8)), s0);
        x = ec_word(b + step);
        s1 = ec_smlad(even, ec_sxtb16(x), s1);
        s1 = ec_smlad(odd, ec_sxtb16(ec_ror(x, 8)), s1);
        x = ec_word(c);
        s2 = ec_smlad(even, ec_sxtb16(x), s2);
        s2 = ec_smlad(odd, ec_sxtb16(ec_ror(x, 8)), s2);
        x = ec_word(c + step);
        s3 = ec_smlad(even, ec_sxtb16(x), s3);
        s3 = ec_smlad(odd, ec_sxtb16(ec_ror(x, 8)), s3);
    }
    acc[0] = s0;
    acc[1] = s1;
    acc[2] = s2;
    acc[3] = s3;
    return n & ~3;
}

/* acc[0..3] += sum over count of weight[k] * four values at v + k * step. */
static void mix4(const int32_t *weight, const int8_t *v, int32_t step, int32_t count, int32_t *acc)
{
    const int32_t *end = weight + (count & ~3);
    int32_t a0 = acc[0];
    int32_t a1 = acc[1];
    int32_t a2 = acc[2];
    int32_t a3 = acc[3];

#define ADD(w)                                        \
    do {                                              \
        const uint32_t x = ec_word(v);                \
        const uint32_t even = ec_sxtb16(x);           \
        const uint32_t odd = ec_sxtb16(ec_ror(x, 8)); \
        a0 = ec_smlabb(even, (uint32_t)(w), a0);      \
        a2 = ec_smlatb(even, (uint32_t)(w), a2);      \
        a1 = ec_smlabb(odd, (uint32_t)(w), a1);       \
        a3 = ec_smlatb(odd, (uint32_t)(w), a3);       \
        v += step;                                    \
    } while (0)

    ROLLED
    for (; weight < end; weight += 4) {
        ADD(weight[0]);
        ADD(weight[1]);
        ADD(weight[2]);
        ADD(weight[3]);
    }
    ROLLED
    for (end += count & 3; weight < end; weight++) {
        ADD(weight[0]);
    }
#undef ADD
    acc[0] = a0;
    acc[1] = a1;
    acc[2] = a2;
    acc[3] = a3;
}

#endif

void ec_widen_s8(const int8_t *x, int32_t n, int32_t zero, int16_t *y)
{
    int32_t i = 0;
#ifdef EC_HAVE_DSP
    i = widen4(x, n, zero, y);
#endif
    for (; i < n; i++) {
        y[i] = (int16_t)(x[i] - zero);
    }
}

void ec_wide_dots(const int16_t *a, const int8_t *b, int32_t step, int32_t count, int32_t n, int32_t *acc)
{
    int32_t k = 0;
#ifdef EC_HAVE_DSP
    for (; k + 4 <= count; k += 4, b += 4 * step) {
        for (int32_t i = dots4(a, b, step, n, acc + k); i < n; i++) {
            acc[k] += a[i] * b[i];
            acc[k + 1] += a[i] * b[step + i];
            acc[k + 2] += a[i] * b[2 * step + i];
            acc[k + 3] += a[i] * b[3 * step + i];
        }
    }
#endif
    for (; k < count; k++, b += step) {
        int32_t s = 0;
        int32_t i = 0;
#ifdef EC_HAVE_DSP
        for (; i + 4 <= n; i += 4) {
            const uint32_t x = ec_word(b + i);
            s = ec_smlad(ec_pair(a + i), ec_sxtb16(x), s);
            s = ec_smlad(ec_pair(a + i + 2), ec_sxtb16(ec_ror(x, 8)), s);
        }
#endif
        for (; i < n; i++) {
            s += a[i] * b[i];
        }
        acc[k] = s;
    }
}

void ec_mix(const int32_t *weight, const int8_t *v, int32_t step, int32_t count, int32_t n, int32_t *acc)
{
    int32_t i = 0;
#ifdef EC_HAVE_DSP
    for (; i + 4 <= n; i += 4) {
        mix4(weight, v + i, step, count, acc + i);
    }
#endif
    for (; i < n; i++) {
        for (int32_t k = 0; k < count; k++) {
            acc[i] += weight[k] * v[k * step + i];
        }
    }
}

#endif
