#include "ec_root.h"

/* Leading zeros; x is not 0. */
static int32_t ec_clz32(uint32_t x)
{
#if defined(__GNUC__)
    return (int32_t)__builtin_clz(x);
#else
    int32_t n = 0;
    for (; !(x & UINT32_C(0x80000000)); x <<= 1) {
        n++;
    }
    return n;
#endif
}

int32_t ec_rsqrt(uint64_t d, int32_t *shift)
{
    const uint32_t high = (uint32_t)(d >> 32);
    const int32_t zeros = high ? ec_clz32(high) : 32 + ec_clz32((uint32_t)d);
    const int32_t n = zeros & ~1;
    const uint64_t m = (d << n) >> 32; /* d in [1/4, 1), 32 fraction bits */
    uint32_t y = UINT32_C(2289217569) - (uint32_t)((m * UINT64_C(1307817542)) >> 32); /* 2.132 - 1.218 d */

    for (int32_t i = 0; i < 4; i++) {
        const uint64_t e = (m * (((uint64_t)y * y) >> 30)) >> 32; /* d y^2, below 1.2 */
        y = (uint32_t)((uint64_t)y * (UINT32_C(3221225472) - (uint32_t)e) >> 31);
    }
    *shift = 62 - (n >> 1);
    return (int32_t)(y < UINT32_C(0x7FFFFFFF) ? y : UINT32_C(0x7FFFFFFF));
}

int32_t ec_inverse(uint32_t d, int32_t *shift)
{
    const int32_t n = ec_clz32(d);
    const uint64_t m = d << n; /* d in [1/2, 1), 32 fraction bits */
    uint32_t y = UINT32_C(3031741620) - (uint32_t)((m * UINT64_C(2021161080)) >> 32); /* 48/17 - 32/17 d */

    for (int32_t i = 0; i < 3; i++) {
        const uint32_t e = (uint32_t)((m * y) >> 32); /* d y, about 1 */
        y = (uint32_t)((uint64_t)y * (UINT32_C(2147483648) - e) >> 30);
    }
    *shift = 62 - n;
    return (int32_t)(y < UINT32_C(0x7FFFFFFF) ? y : UINT32_C(0x7FFFFFFF));
}
