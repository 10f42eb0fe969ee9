/* gemmlowp's fixed-point reciprocal. */
#ifndef EC_RECIPROCAL_H
#define EC_RECIPROCAL_H

#include "edgec.h"

/* x * 2^n, saturating. */
static inline int32_t ec_lshift_sat(int32_t x, int32_t n)
{
    const int32_t most = INT32_MAX >> n;
    return x > most ? INT32_MAX : (x < -most - 1 ? INT32_MIN : (int32_t)((uint32_t)x << n));
}

/* 1 / x for x = raw / 2^(31 - integer_bits), raw > 0: the result r is r / 2^31 / 2^*bits. */
static inline int32_t ec_reciprocal(int32_t raw, int32_t integer_bits, int32_t *bits)
{
    int32_t top = 30;
    while (((uint32_t)raw >> top) == 0u) {
        top--;
    }
    /* raw in [1, 2), less one, with 31 fraction bits; half the denominator; Newton's steps. */
    const int32_t rest = (int32_t)(((uint32_t)raw << (31 - top)) & 0x7FFFFFFFu);
    const int32_t half = (int32_t)(((int64_t)rest + INT32_MAX + 1) / 2);
    int32_t x = 1515870810 + ec_mulhigh(half, -1010580540);
    for (int32_t k = 0; k < 3; k++) {
        x += ec_lshift_sat(ec_mulhigh(x, (1 << 29) - ec_mulhigh(half, x)), 2);
    }
    *bits = top - (31 - integer_bits);
    return ec_lshift_sat(x, 1);
}

#endif
