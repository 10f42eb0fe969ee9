/* Sum and sum of squares of a vector. */
#ifndef EC_SUMS_H
#define EC_SUMS_H

#include "ec_dsp.h"

/* n values, n at most 32767. */
static inline void ec_sums_s8(const int8_t *x, int32_t n, int32_t *sum, int64_t *squares)
{
    int32_t s1 = 0;
    int32_t s2 = 0;
    int32_t i = 0;
#ifdef EC_HAVE_DSP
    for (; i + 4 <= n; i += 4) {
        const uint32_t w = ec_word(x + i);
        const uint32_t a = ec_sxtb16(w);
        const uint32_t b = ec_sxtb16(ec_ror(w, 8));
        s1 = ec_smlad(a, 0x00010001u, s1);
        s1 = ec_smlad(b, 0x00010001u, s1);
        s2 = ec_smlad(a, a, s2);
        s2 = ec_smlad(b, b, s2);
    }
#endif
    for (; i < n; i++) {
        s1 += x[i];
        s2 += x[i] * x[i];
    }
    *sum = s1;
    *squares = s2;
}

static inline void ec_sums_s16(const int16_t *x, int32_t n, int32_t *sum, int64_t *squares)
{
    int32_t s1 = 0;
    int64_t s2 = 0;
    int32_t i = 0;
#ifdef EC_HAVE_DSP
    for (; i + 2 <= n; i += 2) {
        const uint32_t w = ec_pair(x + i);
        s1 = ec_smlad(w, 0x00010001u, s1);
        s2 = ec_smlald(w, w, s2);
    }
#endif
    for (; i < n; i++) {
        s1 += x[i];
        s2 += (int32_t)x[i] * x[i];
    }
    *sum = s1;
    *squares = s2;
}

#endif
