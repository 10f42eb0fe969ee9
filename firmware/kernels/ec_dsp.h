/* The DSP instructions of Armv7E-M and Armv8-M, as functions of unsigned words.
 *
 * EC_HAVE_DSP is defined where they exist; kernels then have a path that uses them. Kernels that are for these
 * processors only run elsewhere, too, with the same functions in portable C.
 */
#ifndef EC_DSP_H
#define EC_DSP_H

#include "edgec.h"

/* In front of a loop that runs a few times only: unrolled it would be slower. */
#if defined(__clang__)
#define EC_NO_UNROLL _Pragma("clang loop unroll(disable)")
#else
#define EC_NO_UNROLL
#endif

/* A function of its own: within its caller, its loop would not keep its values in registers. */
#if defined(__GNUC__)
#define EC_APART __attribute__((noinline, unused))
#else
#define EC_APART
#endif

/* After a step of pointer p: where it stands is not known from where it began, so p itself is kept in a
 * register rather than its beginning and an index, of which there would be more. */
#if defined(__GNUC__)
#define EC_STEPPED(p) __asm__("" : "+r"(p))
#else
#define EC_STEPPED(p) (void)(p)
#endif

/* Four int8 values, wherever they lie. */
static inline uint32_t ec_word(const int8_t *p)
{
    uint32_t w;
    __builtin_memcpy(&w, p, 4); /* one load, in a freestanding build, too */
    return w;
}

/* Two int16 values. */
static inline uint32_t ec_pair(const int16_t *p)
{
    uint32_t w;
    __builtin_memcpy(&w, p, 4);
    return w;
}

/* x rotated right by n bits, 0 < n < 32. */
static inline uint32_t ec_ror(uint32_t x, uint32_t n) { return x >> n | x << (32u - n); }

#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP
#include <arm_acle.h>
#define EC_HAVE_DSP 1

/* Bytes 0 and 2, sign-extended to halfwords. */
static inline uint32_t ec_sxtb16(uint32_t x) { return (uint32_t)__sxtb16((int8x4_t)x); }

/* acc + lo(a) * lo(b) + hi(a) * hi(b) */
static inline int32_t ec_smlad(uint32_t a, uint32_t b, int32_t acc)
{
    return __smlad((int16x2_t)a, (int16x2_t)b, acc);
}

/* acc + lo(a) * lo(b) + hi(a) * hi(b) in 64 bits */
static inline int64_t ec_smlald(uint32_t a, uint32_t b, int64_t acc)
{
    return __smlald((int16x2_t)a, (int16x2_t)b, acc);
}

/* acc + lo(a) * lo(b) */
static inline int32_t ec_smlabb(uint32_t a, uint32_t b, int32_t acc)
{
    return __smlabb((int32_t)a, (int32_t)b, acc);
}

/* acc + lo(a) * hi(b) */
static inline int32_t ec_smlabt(uint32_t a, uint32_t b, int32_t acc)
{
    return __smlabt((int32_t)a, (int32_t)b, acc);
}

/* acc + hi(a) * lo(b) */
static inline int32_t ec_smlatb(uint32_t a, uint32_t b, int32_t acc)
{
    return __smlatb((int32_t)a, (int32_t)b, acc);
}

/* acc + hi(a) * hi(b) */
static inline int32_t ec_smlatt(uint32_t a, uint32_t b, int32_t acc)
{
    return __smlatt((int32_t)a, (int32_t)b, acc);
}

/* acc + (a * lo(b) >> 16) */
static inline int32_t ec_smlawb(int32_t a, uint32_t b, int32_t acc) { return __smlawb(a, (int32_t)b, acc); }

/* acc + (a * hi(b) >> 16) */
static inline int32_t ec_smlawt(int32_t a, uint32_t b, int32_t acc) { return __smlawt(a, (int32_t)b, acc); }

#else

static inline int32_t ec_lo(uint32_t x) { return (int16_t)(uint16_t)(x & 0xFFFFu); }
static inline int32_t ec_hi(uint32_t x) { return (int16_t)(uint16_t)(x >> 16); }

static inline uint32_t ec_sxtb16(uint32_t x)
{
    const uint32_t lo = (uint32_t)(int32_t)(int8_t)(uint8_t)(x & 0xFFu);
    const uint32_t hi = (uint32_t)(int32_t)(int8_t)(uint8_t)(x >> 16 & 0xFFu);
    return (lo & 0xFFFFu) | hi << 16;
}

static inline int32_t ec_smlad(uint32_t a, uint32_t b, int32_t acc)
{
    const uint32_t sum = (uint32_t)(ec_lo(a) * ec_lo(b)) + (uint32_t)(ec_hi(a) * ec_hi(b));
    return (int32_t)((uint32_t)acc + sum);
}

static inline int32_t ec_smlabb(uint32_t a, uint32_t b, int32_t acc) { return acc + ec_lo(a) * ec_lo(b); }
static inline int32_t ec_smlabt(uint32_t a, uint32_t b, int32_t acc) { return acc + ec_lo(a) * ec_hi(b); }
static inline int32_t ec_smlatb(uint32_t a, uint32_t b, int32_t acc) { return acc + ec_hi(a) * ec_lo(b); }
static inline int32_t ec_smlatt(uint32_t a, uint32_t b, int32_t acc) { return acc + ec_hi(a) * ec_hi(b); }
#endif

#endif
