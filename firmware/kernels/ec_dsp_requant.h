/* Requantization with the DSP extension, bit for bit TFLM's, in few instructions.
 *
 * SMMULR rounds once as TFLM's high product does: (2 * a * m + 2^31) >> 32 = floor((a * m + 2^30) / 2^31).
 */
#ifndef EC_DSP_REQUANT_H
#define EC_DSP_REQUANT_H

#include "ec_dsp.h"

/* The upper word of a * b, rounded: floor((a * b + 2^31) / 2^32). */
static inline int32_t ec_smmulr(int32_t a, int32_t b)
{
#if defined(__ARM_FEATURE_DSP) && defined(__thumb2__)
    int32_t d;
    __asm__("smmulr %0, %1, %2" : "=r"(d) : "r"(a), "r"(b));
    return d;
#else
    return (int32_t)(((int64_t)a * b + (INT64_C(1) << 31)) >> 32);
#endif
}

/* add plus the upper word of a * b, rounded. */
static inline int32_t ec_smmlar(int32_t a, int32_t b, int32_t add)
{
#if defined(__ARM_FEATURE_DSP) && defined(__thumb2__)
    int32_t d;
    __asm__("smmlar %0, %1, %2, %3" : "=r"(d) : "r"(a), "r"(b), "r"(add));
    return d;
#else
    return (int32_t)((uint32_t)ec_smmulr(a, b) + (uint32_t)add);
#endif
}

/* What products end in: a result from twice its sum, bias included, a mantissa and a shift.
 *
 * With x the high product, TFLM's rounding shift by n, the zero point z behind it: (((x - (x < 0)) >> (n - 1)) + 1
 * + 2 * z) >> 1. `offset`, 2 * z + 1, goes in front of the shift; and the sign may be that of the sum: where x is 0, it
 * makes no difference. */
static inline int32_t ec_finish(int32_t twice, int32_t m, int32_t n_less_1, int32_t offset)
{
    const int32_t in_front = (int32_t)((uint32_t)offset << n_less_1);

    return ((ec_smmlar(twice, m, in_front) + (twice >> 31)) >> n_less_1) >> 1;
}

/* Tables hold a bias times 256 and a shift less 1, below 128, in one word. Twice the bias, and the shift; as a number of
 * places to shift by, the processor takes the word as it is. */
static inline int32_t ec_twice_bias(uint32_t word) { return (int32_t)word >> 7; }
static inline int32_t ec_places(uint32_t word) { return (int32_t)(word & 0xFFu); }

/* ec_mulhigh(acc, m) for |acc| < 2^30. */
static inline int32_t ec_high(int32_t acc, int32_t m) { return ec_smmulr((int32_t)((uint32_t)acc << 1), m); }

#endif
