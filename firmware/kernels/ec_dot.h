/* Dot products of int8 vectors, the inner loop of linear, convolution and attention, and products channel by
 * channel. */
#ifndef EC_DOT_H
#define EC_DOT_H

#include "edgec.h"

#include "ec_dsp.h"

/* sum over n of x[i] * w[i], plus acc. */
static inline int32_t ec_dot_s8(const int8_t *x, const int8_t *w, int32_t n, int32_t acc)
{
    int32_t i = 0;
#ifdef EC_HAVE_DSP
    for (; i + 4 <= n; i += 4) {
        const uint32_t a = ec_word(x + i);
        const uint32_t b = ec_word(w + i);
        acc = ec_smlad(ec_sxtb16(a), ec_sxtb16(b), acc);
        acc = ec_smlad(ec_sxtb16(ec_ror(a, 8)), ec_sxtb16(ec_ror(b, 8)), acc);
    }
#endif
    for (; i < n; i++) {
        acc += (int32_t)x[i] * w[i];
    }
    return acc;
}

/* Four dot products of x at once, so that x is loaded and widened only once:
 * acc[k] += sum over n of x[i] * w[k * pitch + i]. Two pointers to weights and no unrolled loop: more do
 * not fit the registers. */
EC_APART static void ec_dot4_s8(const int8_t *x, const int8_t *w, int32_t pitch, int32_t n, int32_t acc[4])
{
    const int8_t *w3 = w + 3 * pitch;
    const int8_t *end = x + n;
    int32_t a0 = acc[0];
    int32_t a1 = acc[1];
    int32_t a2 = acc[2];
    int32_t a3 = acc[3];
#ifdef EC_HAVE_DSP
    EC_NO_UNROLL
    for (const int8_t *fours = x + (n & ~3); x < fours;) {
        const uint32_t a = ec_word(x);
        const uint32_t even = ec_sxtb16(a);
        const uint32_t odd = ec_sxtb16(ec_ror(a, 8));
        uint32_t b = ec_word(w + pitch);
        a1 = ec_smlad(even, ec_sxtb16(b), a1);
        a1 = ec_smlad(odd, ec_sxtb16(ec_ror(b, 8)), a1);
        b = ec_word(w + 2 * pitch);
        a2 = ec_smlad(even, ec_sxtb16(b), a2);
        a2 = ec_smlad(odd, ec_sxtb16(ec_ror(b, 8)), a2);
        b = ec_word(w3);
        a3 = ec_smlad(even, ec_sxtb16(b), a3);
        a3 = ec_smlad(odd, ec_sxtb16(ec_ror(b, 8)), a3);
        b = ec_word(w);
        a0 = ec_smlad(even, ec_sxtb16(b), a0);
        a0 = ec_smlad(odd, ec_sxtb16(ec_ror(b, 8)), a0);
        x += 4;
        w += 4;
        w3 += 4;
        EC_STEPPED(x);
        EC_STEPPED(w);
        EC_STEPPED(w3);
    }
#endif
    EC_NO_UNROLL
    for (; x < end; x++, w++, w3++) {
        a0 += *x * w[0];
        a1 += *x * w[pitch];
        a2 += *x * w[2 * pitch];
        a3 += *x * w3[0];
    }
    acc[0] = a0;
    acc[1] = a1;
    acc[2] = a2;
    acc[3] = a3;
}

/* acc[k] += x[k] * w[k] for four channels: each word is loaded and widened once. */
static inline void ec_tap_s8(const int8_t *x, const int8_t *w, int32_t acc[4])
{
#ifdef EC_HAVE_DSP
    const uint32_t xs = ec_word(x);
    const uint32_t ws = ec_word(w);
    const uint32_t x02 = ec_sxtb16(xs);
    const uint32_t w02 = ec_sxtb16(ws);
    const uint32_t x13 = ec_sxtb16(ec_ror(xs, 8));
    const uint32_t w13 = ec_sxtb16(ec_ror(ws, 8));
    acc[0] = ec_smlabb(x02, w02, acc[0]);
    acc[1] = ec_smlabb(x13, w13, acc[1]);
    acc[2] = ec_smlatt(x02, w02, acc[2]);
    acc[3] = ec_smlatt(x13, w13, acc[3]);
#else
    for (int32_t k = 0; k < 4; k++) {
        acc[k] += x[k] * w[k];
    }
#endif
}

#endif
