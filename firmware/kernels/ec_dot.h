/* Dot products of int8 vectors, the inner loop of linear, convolution and attention. */
#ifndef EC_DOT_H
#define EC_DOT_H

#include "edgec.h"

#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP
#include <arm_acle.h>
#define EC_HAVE_DSP 1

static inline uint32_t ec_word(const int8_t *p)
{
    uint32_t w;
    memcpy(&w, p, 4);
    return w;
}
#endif

/* sum over n of x[i] * w[i], plus acc. */
static inline int32_t ec_dot_s8(const int8_t *x, const int8_t *w, int32_t n, int32_t acc)
{
    int32_t i = 0;
#ifdef EC_HAVE_DSP
    for (; i + 4 <= n; i += 4) {
        const uint32_t a = ec_word(x + i);
        const uint32_t b = ec_word(w + i);
        acc = __smlad(__sxtb16(a), __sxtb16(b), acc);
        acc = __smlad(__sxtb16(__ror(a, 8)), __sxtb16(__ror(b, 8)), acc);
    }
#endif
    for (; i < n; i++) {
        acc += (int32_t)x[i] * w[i];
    }
    return acc;
}

/* Four dot products of x at once, so that x is loaded and widened only once:
 * acc[k] += sum over n of x[i] * w[k * pitch + i]. */
static inline void ec_dot4_s8(const int8_t *x, const int8_t *w, int32_t pitch, int32_t n, int32_t acc[4])
{
    const int8_t *w1 = w + pitch;
    const int8_t *w2 = w1 + pitch;
    const int8_t *w3 = w2 + pitch;
    int32_t a0 = acc[0];
    int32_t a1 = acc[1];
    int32_t a2 = acc[2];
    int32_t a3 = acc[3];
    int32_t i = 0;
#ifdef EC_HAVE_DSP
    for (; i + 4 <= n; i += 4) {
        const uint32_t a = ec_word(x + i);
        const uint32_t even = __sxtb16(a);
        const uint32_t odd = __sxtb16(__ror(a, 8));
        uint32_t b = ec_word(w + i);
        a0 = __smlad(even, __sxtb16(b), a0);
        a0 = __smlad(odd, __sxtb16(__ror(b, 8)), a0);
        b = ec_word(w1 + i);
        a1 = __smlad(even, __sxtb16(b), a1);
        a1 = __smlad(odd, __sxtb16(__ror(b, 8)), a1);
        b = ec_word(w2 + i);
        a2 = __smlad(even, __sxtb16(b), a2);
        a2 = __smlad(odd, __sxtb16(__ror(b, 8)), a2);
        b = ec_word(w3 + i);
        a3 = __smlad(even, __sxtb16(b), a3);
        a3 = __smlad(odd, __sxtb16(__ror(b, 8)), a3);
    }
#endif
    for (; i < n; i++) {
        const int32_t v = x[i];
        a0 += v * w[i];
        a1 += v * w1[i];
        a2 += v * w2[i];
        a3 += v * w3[i];
    }
    acc[0] = a0;
    acc[1] = a1;
    acc[2] = a2;
    acc[3] = a3;
}

#endif
