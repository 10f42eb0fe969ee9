/* Layer norm of rows of `vectors` vectors of `channels` values: the body of ec_layer_norm_*. */
#ifndef EC_LAYER_NORM_H
#define EC_LAYER_NORM_H

#include "ec_norm.h"
#include "ec_norm_neon.h"
#include "ec_sums.h"

typedef struct {
    int64_t epsilon; /* in units of channels^2 * input scale^2 */
    int32_t channels;
    int32_t vectors;
    int32_t rms;        /* not 0: the mean stays, and the variance is the mean square */
    int32_t input_zero; /* used where rms */
    int32_t fraction;
    int32_t shift;
    const int16_t *gamma;
    const int32_t *beta; /* with the output's zero point and half of 2^shift */
} ec_layer_norm;

static inline ec_norm ec_layer_norm_of(const ec_layer_norm *p, int32_t sum, int64_t squares)
{
    const int64_t n = p->channels;
    const int64_t z = p->input_zero;
    int64_t power = n * squares - (int64_t)sum * sum;
    if (p->rms) {
        power = n * (squares - 2 * z * sum + n * z * z);
        sum = p->channels * p->input_zero;
    }
    return ec_norm_of(p->channels, sum, power + p->epsilon, p->fraction);
}

/* norm_fours: the values of a vector that come in fours, where no right shift applies to them, as is usual;
 * returns how many. The parameters of two are loaded before the first of them is stored, which could change
 * them as far as the compiler knows. */
#ifdef EC_HAVE_MVE
static inline int32x4_t ec_norm_load_int8_t(const int8_t *x, mve_pred16_t p) { return vldrbq_z_s32(x, p); }
static inline int32x4_t ec_norm_load_int16_t(const int16_t *x, mve_pred16_t p) { return vldrhq_z_s32(x, p); }
static inline void ec_norm_store_int8_t(int8_t *y, int32x4_t v, mve_pred16_t p) { vstrbq_p_s32(y, v, p); }
static inline void ec_norm_store_int16_t(int16_t *y, int32x4_t v, mve_pred16_t p) { vstrhq_p_s32(y, v, p); }

/* All values, whatever the shifts. */
#define EC_NORM_FOURS(in_type, out_type, lowest, highest)                                              \
    static int32_t norm_fours(const ec_norm *norm, const in_type *x, int32_t n, const int16_t *gamma,  \
                              const int32_t *beta, int32_t shift, out_type *y)                         \
    {                                                                                                  \
        const ec_norm m = *norm;                                                                       \
        const int32x4_t root = vdupq_n_s32(m.root);                                                    \
        for (int32_t c = 0; c < n; c += 4) {                                                           \
            const mve_pred16_t p = vctp32q((uint32_t)(n - c));                                         \
            int32x4_t h = vmulq_n_s32(ec_norm_load_##in_type(x + c, p), (int32_t)m.factor);            \
            h = vrmulhq_s32(vshlq_r_s32(vaddq_n_s32(h, (int32_t)m.offset), -m.right), root);           \
            h = vmulhq_s32(h, vshlq_n_s32(vldrhq_z_s32(gamma + c, p), 16));                            \
            h = vshlq_r_s32(vaddq_s32(h, vldrwq_z_s32(beta + c, p)), -shift);                          \
            h = vminq_s32(vmaxq_s32(h, vdupq_n_s32(lowest)), vdupq_n_s32(highest));                    \
            ec_norm_store_##out_type(y + c, h, p);                                                     \
        }                                                                                              \
        return n;                                                                                      \
    }
#define EC_NORM_BEGUN norm_fours(&norm, x, n, gamma, beta, shift, y)
#elif defined(EC_HAVE_DSP)
#define EC_NORM_FOURS(in_type, out_type, lowest, highest)                                          \
    EC_APART static int32_t norm_fours(const ec_norm *norm, const in_type *x, int32_t n,           \
                                       const int16_t *gamma, const int32_t *beta, int32_t shift,   \
                                       out_type *y)                                                \
    {                                                                                              \
        const ec_norm m = *norm;                                                                   \
        const int32_t fours = m.right == 0 ? n & ~3 : 0;                                           \
        const int32_t *end = beta + fours;                                                         \
        EC_NO_UNROLL                                                                               \
        for (; beta < end; x += 4, y += 4, gamma += 4, beta += 4) {                                \
            uint32_t gammas = ec_pair(gamma);                                                      \
            int32_t b0 = beta[0];                                                                  \
            int32_t b1 = beta[1];                                                                  \
            y[0] = (out_type)ec_clamp(ec_smlawb(ec_norm_by(m, x[0]), gammas, b0) >> shift, lowest, \
                                    highest);                                                      \
            y[1] = (out_type)ec_clamp(ec_smlawt(ec_norm_by(m, x[1]), gammas, b1) >> shift, lowest, \
                                    highest);                                                      \
            gammas = ec_pair(gamma + 2);                                                           \
            b0 = beta[2];                                                                          \
            b1 = beta[3];                                                                          \
            y[2] = (out_type)ec_clamp(ec_smlawb(ec_norm_by(m, x[2]), gammas, b0) >> shift, lowest, \
                                    highest);                                                      \
            y[3] = (out_type)ec_clamp(ec_smlawt(ec_norm_by(m, x[3]), gammas, b1) >> shift, lowest, \
                                    highest);                                                      \
        }                                                                                          \
        return fours;                                                                              \
    }
#define EC_NORM_BEGUN norm_fours(&norm, x, n, gamma, beta, shift, y)
#elif defined(EC_HAVE_NEON)
/* The values that come in eights, whatever the shifts. */
#define EC_NORM_FOURS(in_type, out_type, lowest, highest)                                             \
    static int32_t norm_fours(const ec_norm *norm, const in_type *x, int32_t n, const int16_t *gamma, \
                              const int32_t *beta, int32_t shift, out_type *y)                        \
    {                                                                                                 \
        return ec_neon_norm(norm, x, sizeof *x == 2, n, gamma, beta, shift, y, sizeof *y == 2);       \
    }
#define EC_NORM_BEGUN norm_fours(&norm, x, n, gamma, beta, shift, y)
#else
#define EC_NORM_FOURS(in_type, out_type, lowest, highest)
#define EC_NORM_BEGUN 0
#endif

#define EC_LAYER_NORM(in_type, out_type, sums, lowest, highest)                                    \
    const int32_t n = p->channels;                                                                 \
    const int32_t shift = p->shift;                                                                \
    const int16_t *gamma = p->gamma;                                                               \
    const int32_t *beta = p->beta;                                                                 \
    (void)scratch;                                                                                 \
    for (int32_t row = first; row < last; row++) {                                                 \
        const in_type *x = (const in_type *)ec_row(in, row);                                       \
        out_type *y = (out_type *)ec_row(out, row);                                                \
        for (int32_t v = 0; v < p->vectors; v++, x += n, y += n) {                                 \
            int32_t sum;                                                                           \
            int64_t squares;                                                                       \
            sums(x, n, &sum, &squares);                                                            \
            const ec_norm norm = ec_layer_norm_of(p, sum, squares);                                \
            EC_NO_UNROLL                                                                           \
            for (int32_t c = EC_NORM_BEGUN; c < n; c++) {                                          \
                const int32_t q = ec_norm_value(norm, x[c], gamma[c], beta[c], shift);             \
                y[c] = (out_type)ec_clamp(q, lowest, highest);                                     \
            }                                                                                      \
        }                                                                                          \
    }

#endif
