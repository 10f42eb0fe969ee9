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

static inline uint32_t __ror(uint32_t x, uint32_t n)
{
    n &= 31u;
    return n == 0u ? x : (x >> n) | (x << (32u - n));
}

static inline uint32_t __sxtb16(uint32_t x)
{
    return acle_pair((int8_t)(uint8_t)(x & 0xFFu), (int8_t)(uint8_t)((x >> 16) & 0xFFu));
}

static inline uint32_t __sxtab16(uint32_t a, uint32_t x)
{
    const uint32_t s = __sxtb16(x);
    return acle_pair(acle_lo(a) + acle_lo(s), acle_hi(a) + acle_hi(s));
}

static inline uint32_t __sadd16(uint32_t a, uint32_t b)
{
    return acle_pair(acle_lo(a) + acle_lo(b), acle_hi(a) + acle_hi(b));
}

static inline uint32_t __ssub16(uint32_t a, uint32_t b)
{
    return acle_pair(acle_lo(a) - acle_lo(b), acle_hi(a) - acle_hi(b));
}

static inline int32_t __smlad(uint32_t a, uint32_t b, int32_t acc)
{
    const int64_t s = (int64_t)acle_lo(a) * acle_lo(b) + (int64_t)acle_hi(a) * acle_hi(b) + acc;
    return (int32_t)(uint32_t)(uint64_t)s;
}

static inline int32_t __smuad(uint32_t a, uint32_t b) { return __smlad(a, b, 0); }

static inline int64_t __smlald(uint32_t a, uint32_t b, int64_t acc)
{
    return acc + (int64_t)acle_lo(a) * acle_lo(b) + (int64_t)acle_hi(a) * acle_hi(b);
}

static inline int32_t __smlabb(uint32_t a, uint32_t b, int32_t acc) { return acle_lo(a) * acle_lo(b) + acc; }
static inline int32_t __smlabt(uint32_t a, uint32_t b, int32_t acc) { return acle_lo(a) * acle_hi(b) + acc; }
static inline int32_t __smlatb(uint32_t a, uint32_t b, int32_t acc) { return acle_hi(a) * acle_lo(b) + acc; }
static inline int32_t __smlatt(uint32_t a, uint32_t b, int32_t acc) { return acle_hi(a) * acle_hi(b) + acc; }

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
