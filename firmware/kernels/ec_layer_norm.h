/* Layer norm of rows of `vectors` vectors of `channels` values: the body of ec_layer_norm_*. */
#ifndef EC_LAYER_NORM_H
#define EC_LAYER_NORM_H

#include "ec_norm.h"
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
#ifdef EC_HAVE_DSP
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
