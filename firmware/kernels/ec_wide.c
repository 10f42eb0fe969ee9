#include "ec_wide.h"

#include "ec_dsp.h"

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
