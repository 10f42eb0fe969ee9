#include "ec_exp2.h"

#include "ec_exp2_neon.h"
#include "ec_mve.h"

#ifdef EC_HAVE_MVE

void ec_scale(int32_t *score, int32_t n, int32_t left, int32_t factor)
{
    const int32x4_t by = vdupq_n_s32(factor);

    for (; n > 0; n -= 4, score += 4) {
        const mve_pred16_t p = vctp32q((uint32_t)n);
        vstrwq_p_s32(score, vrmulhq_s32(vshlq_r_s32(vldrwq_z_s32(score, p), left), by), p);
    }
}

/* The largest of n values and `most`. */
static int32_t largest(const int32_t *x, int32_t n, int32_t most)
{
    for (int32_t s = 0; s < n; s += 4) {
        most = vmaxvq_p_s32(most, vldrwq_z_s32(x + s, vctp32q((uint32_t)(n - s))), vctp32q((uint32_t)(n - s)));
    }
    return most;
}

int32_t ec_exp2_weights(int32_t *score, int32_t n, int32_t fraction, int32_t precision, const uint16_t *exp2)
{
    const int32x4_t far = vdupq_n_s32(20 << fraction); /* as good as excluded */
    const int32_t up = 16 - fraction;
    const int32x4_t drop = vdupq_n_s32(precision - 14);
    const int32_t most = largest(score, n, EC_EXCLUDED);
    int32_t sum = 0;

    if (most == EC_EXCLUDED) {
        memset(score, 0, (size_t)n * sizeof *score);
        return 0;
    }
    for (; n > 0; n -= 4, score += 4) {
        const mve_pred16_t p = vctp32q((uint32_t)n);
        const int32x4_t below = vnegq_s32(vsubq_n_s32(vldrwq_z_s32(score, p), most));
        const int32x4_t u = vshlq_r_s32(vminq_s32(below, far), up);
        const uint32x4_t at = vreinterpretq_u32_s32(vandq_s32(vshrq_n_s32(u, 10), vdupq_n_s32(63)));
        const int32x4_t t = vreinterpretq_s32_u32(vldrhq_gather_shifted_offset_z_u32(exp2, at, p));
        const int32x4_t next = vreinterpretq_s32_u32(vldrhq_gather_shifted_offset_z_u32(exp2 + 1, at, p));
        const int32x4_t part = vandq_s32(u, vdupq_n_s32(1023));
        const int32x4_t line = vrshrq_n_s32(vmulq_s32(vsubq_s32(t, next), part), 10);
        const int32x4_t right = vsubq_s32(drop, vshrq_n_s32(u, 16));
        const int32x4_t e = vrshrq_n_s32(vshlq_s32(vsubq_s32(t, line), right), 1);
        vstrwq_p_s32(score, e, p);
        sum = vaddvaq_p_s32(sum, e, p);
    }
    return sum;
}

#else

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
    int32_t s = 0;
#ifdef EC_HAVE_NEON
    s = ec_neon_exp2(score, n, most, fraction, drop, exp2, &sum);
#endif
    for (; s < n; s++) {
        const int32_t u = ec_min(most - score[s], far) << up;
        const uint16_t *t = exp2 + ((u >> 10) & 63);
        const int32_t line = ((t[0] - t[1]) * (u & 1023) + 512) >> 10;
        const int32_t e = (((t[0] - line) >> ((u >> 16) + drop)) + 1) >> 1;
        score[s] = e;
        sum += e;
    }
    return sum;
}

#endif
