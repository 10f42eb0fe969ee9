#include "ec_exp2.h"

void ec_scale(int32_t *score, int32_t n, int32_t left, int32_t factor)
{
    for (int32_t s = 0; s < n; s++) {
        const int64_t wide = (int64_t)(int32_t)((uint32_t)score[s] << left) * factor;
        score[s] = (int32_t)((wide + INT64_C(0x80000000)) >> 32);
    }
}

int32_t ec_exp2_weights(int32_t *score, int32_t n, int32_t fraction, int32_t precision, const uint16_t *exp2)
{
    const int32_t far = 20 << fraction; /* as good as excluded */
    const int32_t up = 16 - fraction;
    const int32_t drop = 14 - precision;
    int32_t most = EC_EXCLUDED;
    int32_t sum = 0;

    for (int32_t s = 0; s < n; s++) {
        most = ec_max(most, score[s]);
    }
    if (most == EC_EXCLUDED) {
        memset(score, 0, (size_t)n * sizeof *score);
        return 0;
    }
    for (int32_t s = 0; s < n; s++) {
        const int32_t u = ec_min(most - score[s], far) << up;
        const uint16_t *t = exp2 + ((u >> 10) & 63);
        const int32_t line = ((t[0] - t[1]) * (u & 1023) + 512) >> 10;
        const int32_t e = (((t[0] - line) >> ((u >> 16) + drop)) + 1) >> 1;
        score[s] = e;
        sum += e;
    }
    return sum;
}
