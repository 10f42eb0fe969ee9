/* Sum and sum of squares of a vector. */
#ifndef EC_SUMS_H
#define EC_SUMS_H

#include "ec_mve.h"
#include "ec_norm_neon.h"

#ifdef EC_HAVE_MVE
/* n values, n at most 32767. */
static inline void ec_sums_s8(const int8_t *x, int32_t n, int32_t *sum, int64_t *squares)
{
    int32_t s1 = 0;
    int32_t s2 = 0;

    for (; n > 0; n -= 16, x += 16) {
        const mve_pred16_t p = vctp8q((uint32_t)n);
        const int8x16_t v = vldrbq_z_s8(x, p);
        s1 = vaddvaq_p_s8(s1, v, p);
        s2 = vmladavaq_p_s8(s2, v, v, p);
    }
    *sum = s1;
    *squares = s2;
}

static inline void ec_sums_s16(const int16_t *x, int32_t n, int32_t *sum, int64_t *squares)
{
    int32_t s1 = 0;
    int64_t s2 = 0;

    for (; n > 0; n -= 8, x += 8) {
        const mve_pred16_t p = vctp16q((uint32_t)n);
        const int16x8_t v = vldrhq_z_s16(x, p);
        s1 = vaddvaq_p_s16(s1, v, p);
        s2 = vmlaldavaq_p_s16(s2, v, v, p);
    }
    *sum = s1;
    *squares = s2;
}
#else
#ifdef EC_HAVE_DSP
/* Adds those of four values. */
static inline void ec_sums4_s8(const int8_t *x, int32_t *sum, int32_t *squares)
{
    const uint32_t w = ec_word(x);
    const uint32_t a = ec_sxtb16(w);
    const uint32_t b = ec_sxtb16(ec_ror(w, 8));
    *sum = ec_smlad(b, 0x00010001u, ec_smlad(a, 0x00010001u, *sum));
    *squares = ec_smlad(b, b, ec_smlad(a, a, *squares));
}
#endif

/* n values, n at most 32767. */
static inline void ec_sums_s8(const int8_t *x, int32_t n, int32_t *sum, int64_t *squares)
{
    int32_t s1 = 0;
    int32_t s2 = 0;
    int32_t i = 0;
#ifdef EC_HAVE_DSP
    const int8_t *end = x + (n & ~7);
    EC_NO_UNROLL
    for (; x < end; x += 8) {
        ec_sums4_s8(x, &s1, &s2);
        ec_sums4_s8(x + 4, &s1, &s2);
    }
    n &= 7;
    if (n >= 4) {
        ec_sums4_s8(x, &s1, &s2);
        i = 4;
    }
#elif defined(EC_HAVE_NEON)
    i = ec_neon_sums_s8(x, n, &s1, &s2);
#endif
    EC_NO_UNROLL
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
    EC_NO_UNROLL
    for (; i + 4 <= n; i += 4) {
        const uint32_t a = ec_pair(x + i);
        const uint32_t b = ec_pair(x + i + 2);
        s1 = ec_smlad(b, 0x00010001u, ec_smlad(a, 0x00010001u, s1));
        s2 = ec_smlald(b, b, ec_smlald(a, a, s2));
    }
#elif defined(EC_HAVE_NEON)
    i = ec_neon_sums_s16(x, n, &s1, &s2);
#endif
    EC_NO_UNROLL
    for (; i < n; i++) {
        s1 += x[i];
        s2 += (int32_t)x[i] * x[i];
    }
    *sum = s1;
    *squares = s2;
}

#endif

#endif
