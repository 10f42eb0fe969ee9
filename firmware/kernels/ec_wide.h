/* Products of int8 matrices of which one vector at a time is widened to int16: the inner loops
 * of attention and of products of two activations. */
#ifndef EC_WIDE_H
#define EC_WIDE_H

#include "ec_dsp.h"

/* y = x - zero, n values. With DSP instructions every four of them in the order 0 2 1 3, which
 * is that in which int8 values unpack; only the functions below read them. */
static inline void ec_widen_s8(const int8_t *x, int32_t n, int32_t zero, int16_t *y)
{
    int32_t i = 0;
#ifdef EC_HAVE_DSP
    for (; i + 4 <= n; i += 4) {
        y[i] = (int16_t)(x[i] - zero);
        y[i + 1] = (int16_t)(x[i + 2] - zero);
        y[i + 2] = (int16_t)(x[i + 1] - zero);
        y[i + 3] = (int16_t)(x[i + 3] - zero);
    }
#endif
    for (; i < n; i++) {
        y[i] = (int16_t)(x[i] - zero);
    }
}

/* acc[k] = sum over n of a[i] * b[k * step + i] for `count` vectors; a is widened. */
static inline void ec_wide_dots(const int16_t *a, const int8_t *b, int32_t step, int32_t count, int32_t n,
                                int32_t *acc)
{
    int32_t k = 0;
    for (; k + 2 <= count; k += 2, b += 2 * step) {
        const int8_t *c = b + step;
        int32_t s = 0;
        int32_t t = 0;
        int32_t i = 0;
#ifdef EC_HAVE_DSP
        for (; i + 4 <= n; i += 4) {
            const uint32_t even = ec_pair(a + i);
            const uint32_t odd = ec_pair(a + i + 2);
            const uint32_t v = ec_word(b + i);
            const uint32_t w = ec_word(c + i);
            s = ec_smlad(even, ec_sxtb16(v), s);
            t = ec_smlad(even, ec_sxtb16(w), t);
            s = ec_smlad(odd, ec_sxtb16(ec_ror(v, 8)), s);
            t = ec_smlad(odd, ec_sxtb16(ec_ror(w, 8)), t);
        }
#endif
        for (; i < n; i++) {
            s += a[i] * b[i];
            t += a[i] * c[i];
        }
        acc[k] = s;
        acc[k + 1] = t;
    }
    if (k < count) {
        int32_t s = 0;
        int32_t i = 0;
#ifdef EC_HAVE_DSP
        for (; i + 4 <= n; i += 4) {
            const uint32_t v = ec_word(b + i);
            s = ec_smlad(ec_pair(a + i), ec_sxtb16(v), s);
            s = ec_smlad(ec_pair(a + i + 2), ec_sxtb16(ec_ror(v, 8)), s);
        }
#endif
        for (; i < n; i++) {
            s += a[i] * b[i];
        }
        acc[k] = s;
    }
}

/* acc[i] += sum over count of weight[k] * v[k * step + i], i < n. Weights fit int16. */
static inline void ec_mix(const int32_t *weight, const int8_t *v, int32_t step, int32_t count, int32_t n,
                          int32_t *acc)
{
    int32_t i = 0;
    for (; i + 4 <= n; i += 4) {
        const int8_t *p = v + i;
        int32_t a0 = acc[i];
        int32_t a1 = acc[i + 1];
        int32_t a2 = acc[i + 2];
        int32_t a3 = acc[i + 3];
        for (int32_t k = 0; k < count; k++, p += step) {
#ifdef EC_HAVE_DSP
            const uint32_t w = (uint32_t)weight[k];
            const uint32_t x = ec_word(p);
            const uint32_t even = ec_sxtb16(x);
            const uint32_t odd = ec_sxtb16(ec_ror(x, 8));
            a0 = ec_smlabb(even, w, a0);
            a2 = ec_smlatb(even, w, a2);
            a1 = ec_smlabb(odd, w, a1);
            a3 = ec_smlatb(odd, w, a3);
#else
            const int32_t w = weight[k];
            a0 += w * p[0];
            a1 += w * p[1];
            a2 += w * p[2];
            a3 += w * p[3];
#endif
        }
        acc[i] = a0;
        acc[i + 1] = a1;
        acc[i + 2] = a2;
        acc[i + 3] = a3;
    }
    for (; i < n; i++) {
        for (int32_t k = 0; k < count; k++) {
            acc[i] += weight[k] * v[k * step + i];
        }
    }
}

#endif
