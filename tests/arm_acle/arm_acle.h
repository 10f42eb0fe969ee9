/* The Arm DSP intrinsics that kernels use, in portable C: so the DSP paths run on the host, too,
 * under sanitizers. */
#ifndef TESTS_ARM_ACLE_H
#define TESTS_ARM_ACLE_H

#include <stdint.h>

static inline int32_t acle_lo(uint32_t x) { return (int16_t)(uint16_t)(x & 0xFFFFu); }
static inline int32_t acle_hi(uint32_t x) { return (int16_t)(uint16_t)(x >> 16); }
static inline uint32_t acle_pair(int32_t lo, int32_t hi)
{
    return ((uint32_t)lo & 0xFFFFu) | ((uint32_t)hi << 16);
}

typedef int32_t int8x4_t;
typedef int32_t int16x2_t;

static inline uint32_t __ror(uint32_t x, uint32_t n)
{
    n &= 31u;
    return n == 0u ? x : (x >> n) | (x << (32u - n));
}

static inline int16x2_t __sxtb16(int8x4_t a)
{
    const uint32_t x = (uint32_t)a;
    return (int16x2_t)acle_pair((int8_t)(uint8_t)(x & 0xFFu), (int8_t)(uint8_t)((x >> 16) & 0xFFu));
}

static inline int32_t __smlad(int16x2_t x, int16x2_t y, int32_t acc)
{
    const uint32_t a = (uint32_t)x;
    const uint32_t b = (uint32_t)y;
    const int64_t s = (int64_t)acle_lo(a) * acle_lo(b) + (int64_t)acle_hi(a) * acle_hi(b) + acc;
    return (int32_t)(uint32_t)(uint64_t)s;
}

static inline int32_t __smuad(int16x2_t a, int16x2_t b) { return __smlad(a, b, 0); }

static inline int64_t __smlald(int16x2_t x, int16x2_t y, int64_t acc)
{
    const uint32_t a = (uint32_t)x;
    const uint32_t b = (uint32_t)y;
    return acc + (int64_t)acle_lo(a) * acle_lo(b) + (int64_t)acle_hi(a) * acle_hi(b);
}

#define ACLE_SMLA(name, x, y)                                     \
    static inline int32_t name(int32_t a, int32_t b, int32_t acc) \
    {                                                             \
        return x((uint32_t)a) * y((uint32_t)b) + acc;             \
    }

ACLE_SMLA(__smlabb, acle_lo, acle_lo)
ACLE_SMLA(__smlabt, acle_lo, acle_hi)
ACLE_SMLA(__smlatb, acle_hi, acle_lo)
ACLE_SMLA(__smlatt, acle_hi, acle_hi)

static inline int32_t __smlawb(int32_t a, int32_t b, int32_t acc)
{
    return (int32_t)(((int64_t)a * acle_lo((uint32_t)b)) >> 16) + acc;
}

static inline int32_t __smlawt(int32_t a, int32_t b, int32_t acc)
{
    return (int32_t)(((int64_t)a * acle_hi((uint32_t)b)) >> 16) + acc;
}

#define __ssat(x, n) acle_ssat((x), (n))
static inline int32_t acle_ssat(int32_t x, int n)
{
    const int32_t hi = (int32_t)((UINT32_C(1) << (n - 1)) - 1u);
    return x > hi ? hi : (x < -hi - 1 ? -hi - 1 : x);
}

static inline int32_t __qadd(int32_t a, int32_t b)
{
    const int64_t s = (int64_t)a + b;
    return s > INT32_MAX ? INT32_MAX : (s < INT32_MIN ? INT32_MIN : (int32_t)s);
}

#endif
