#include "ec_wide.h"

#include "ec_mve.h"
#include "ec_wide_neon.h"

#ifdef EC_HAVE_MVE

/* acc[k] = sum of (a[i] - zero) * b[k * step + i], or that more, over m < 5 vectors of sixteen, of the last of which p
 * are there. Those of a stay in registers. */
EC_INLINE void dots_of(int m, int more, const int8_t *a, int32_t zero, const int8_t *b, int32_t step, int32_t count,
                       mve_pred16_t p, int32_t *acc)
{
    const int8x16_t a0 = m == 1 ? vldrbq_z_s8(a, p) : vldrbq_s8(a);
    const int8x16_t a1 = m < 2 ? a0 : m == 2 ? vldrbq_z_s8(a + 16, p) : vldrbq_s8(a + 16);
    const int8x16_t a2 = m < 3 ? a0 : m == 3 ? vldrbq_z_s8(a + 32, p) : vldrbq_s8(a + 32);
    const int8x16_t a3 = m < 4 ? a0 : vldrbq_z_s8(a + 48, p);

    EC_SCALAR_LOOP
    for (; count > 0; count--, b += step, acc++) {
        int8x16_t x = m == 1 ? vldrbq_z_s8(b, p) : vldrbq_s8(b);
        int32_t sum = vaddvq_s8(x);
        int32_t s = more ? vmladavaq_s8(*acc, a0, x) : vmladavq_s8(a0, x);
        if (m > 1) {
            x = m == 2 ? vldrbq_z_s8(b + 16, p) : vldrbq_s8(b + 16);
            sum = vaddvaq_s8(sum, x);
            s = vmladavaq_s8(s, a1, x);
        }
        if (m > 2) {
            x = m == 3 ? vldrbq_z_s8(b + 32, p) : vldrbq_s8(b + 32);
            sum = vaddvaq_s8(sum, x);
            s = vmladavaq_s8(s, a2, x);
        }
        if (m > 3) {
            x = vldrbq_z_s8(b + 48, p);
            sum = vaddvaq_s8(sum, x);
            s = vmladavaq_s8(s, a3, x);
        }
        *acc = s - zero * sum;
    }
}

/* The same for n <= 64 values. */
EC_INLINE void dots_upto_64(int more, const int8_t *a, int32_t zero, const int8_t *b, int32_t step, int32_t count,
                            int32_t n, int32_t *acc)
{
    if (n > 48) {
        dots_of(4, more, a, zero, b, step, count, vctp8q((uint32_t)n - 48u), acc);
    } else if (n > 32) {
        dots_of(3, more, a, zero, b, step, count, vctp8q((uint32_t)n - 32u), acc);
    } else if (n > 16) {
        dots_of(2, more, a, zero, b, step, count, vctp8q((uint32_t)n - 16u), acc);
    } else {
        dots_of(1, more, a, zero, b, step, count, vctp8q((uint32_t)n), acc);
    }
}

/* Here y keeps the values as they are, and zero behind them. */
void ec_widen_s8(const int8_t *x, int32_t n, int32_t zero, int16_t *y)
{
    int8_t *to = (int8_t *)y;

    ec_copy_s8(to, x, n);
    to[n] = (int8_t)zero;
}

void ec_wide_dots(const int16_t *a, const int8_t *b, int32_t step, int32_t count, int32_t n, int32_t *acc)
{
    const int8_t *x = (const int8_t *)a;
    const int32_t zero = x[n];

    dots_upto_64(0, x, zero, b, step, count, ec_min(n, 64), acc);
    for (int32_t i = 64; i < n; i += 64) {
        dots_upto_64(1, x + i, zero, b + i, step, count, ec_min(n - i, 64), acc);
    }
}

/* acc[0 .. 4m) += sum over count of weight[k] * v[k * step ..], m < 5. */
EC_INLINE void mix_of(int m, const int32_t *weight, const int8_t *v, int32_t step, int32_t count, int32_t *acc)
{
    int32x4_t a0 = vldrwq_s32(acc);
    int32x4_t a1 = m > 1 ? vldrwq_s32(acc + 4) : a0;
    int32x4_t a2 = m > 2 ? vldrwq_s32(acc + 8) : a0;
    int32x4_t a3 = m > 3 ? vldrwq_s32(acc + 12) : a0;

#define ADD(w)                                                          \
    a0 = vmlaq_n_s32(a0, vldrbq_s32(v), w);                             \
    a1 = m > 1 ? vmlaq_n_s32(a1, vldrbq_s32(v + 4), w) : a1;            \
    a2 = m > 2 ? vmlaq_n_s32(a2, vldrbq_s32(v + 8), w) : a2;            \
    a3 = m > 3 ? vmlaq_n_s32(a3, vldrbq_s32(v + 12), w) : a3;           \
    v += step

    if (count & 1) {
        ADD(*weight);
        weight++;
    }
    EC_SCALAR_LOOP
    for (count >>= 1; count > 0; count--, weight += 2) {
        const int32_t w0 = weight[0];
        const int32_t w1 = weight[1];
        ADD(w0);
        ADD(w1);
    }
#undef ADD
    vstrwq_s32(acc, a0);
    if (m > 1) {
        vstrwq_s32(acc + 4, a1);
    }
    if (m > 2) {
        vstrwq_s32(acc + 8, a2);
    }
    if (m > 3) {
        vstrwq_s32(acc + 12, a3);
    }
}

void ec_mix(const int32_t *weight, const int8_t *v, int32_t step, int32_t count, int32_t n, int32_t *acc)
{
    for (; n >= 16; n -= 16, v += 16, acc += 16) {
        mix_of(4, weight, v, step, count, acc);
    }
    if (n >= 12) {
        mix_of(3, weight, v, step, count, acc);
    } else if (n >= 8) {
        mix_of(2, weight, v, step, count, acc);
    } else if (n >= 4) {
        mix_of(1, weight, v, step, count, acc);
    }
    if (n & 3) {
        const mve_pred16_t p = vctp32q((uint32_t)n & 3u);
        int32x4_t a = vldrwq_z_s32(acc + (n & ~3), p);
        v += n & ~3;
        EC_SCALAR_LOOP
        for (int32_t k = 0; k < count; k++, v += step) {
            a = vmlaq_n_s32(a, vldrbq_z_s32(v, p), weight[k]);
        }
        vstrwq_p_s32(acc + (n & ~3), a, p);
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
