/* Layer norm of rows of `vectors` vectors of `channels` values: the body of ec_layer_norm_*. */
#ifndef EC_LAYER_NORM_H
#define EC_LAYER_NORM_H

#include "ec_norm.h"

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

/* Sum and sum of squares. */
static inline void ec_sums_s8(const int8_t *x, int32_t n, int32_t *sum, int64_t *squares)
{
    int32_t s1 = 0;
    int32_t s2 = 0;
    int32_t i = 0;
#ifdef EC_HAVE_DSP
    for (; i + 4 <= n; i += 4) {
        const uint32_t w = ec_word(x + i);
        const uint32_t a = ec_sxtb16(w);
        const uint32_t b = ec_sxtb16(ec_ror(w, 8));
        s1 = ec_smlad(a, 0x00010001u, s1);
        s1 = ec_smlad(b, 0x00010001u, s1);
        s2 = ec_smlad(a, a, s2);
        s2 = ec_smlad(b, b, s2);
    }
#endif
    for (; i < n; i++) {
        s1 += x[i];
        s2 += x[i] * x[i];
    }
    *sum = s1;
    *squares = s2;
}

static inline void ec_sums_s16(const int16_t *x, int32_t n, int32_t *sum, int64_t *squares)
{
    int32_t s1 = 0;
    int64_t s2 = 0;
    int32_t i = 0;
#ifdef EC_HAVE_DSP
    for (; i + 2 <= n; i += 2) {
        const uint32_t w = ec_pair(x + i);
        s1 = ec_smlad(w, 0x00010001u, s1);
        s2 = ec_smlald(w, w, s2);
    }
#endif
    for (; i < n; i++) {
        s1 += x[i];
        s2 += (int32_t)x[i] * x[i];
    }
    *sum = s1;
    *squares = s2;
}

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
            for (int32_t c = 0; c < n; c++) {                                                      \
                const int32_t q = ec_norm_value(norm, x[c], gamma[c], beta[c], shift);             \
                y[c] = (out_type)ec_clamp(q, lowest, highest);                                     \
            }                                                                                      \
        }                                                                                          \
    }

#endif
