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

/* ec_mulhigh(acc, m) for |acc| < 2^30. */
static inline int32_t ec_high(int32_t acc, int32_t m) { return ec_smmulr((int32_t)((uint32_t)acc << 1), m); }

#endif
