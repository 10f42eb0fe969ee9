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

#endif
