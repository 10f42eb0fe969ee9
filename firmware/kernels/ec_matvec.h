/* One vector times a weight matrix with requantization: what linear and convolution end in. */
#ifndef EC_MATVEC_H
#define EC_MATVEC_H

#include "ec_dot.h"

/* weights [outputs][inputs]; bias, multiplier, shift [outputs]; the result is clamped to lo..hi. */
typedef struct {
    int32_t inputs;
    int32_t outputs;
    int32_t zero;
    int32_t lo;
    int32_t hi;
    const int8_t *weights;
    const int32_t *bias;
    const int32_t *multiplier;
    const int8_t *shift;
} ec_matvec;

/* y[o] = sum over inputs of x[i] * weights[o][i] + bias[o], requantized.
 *
 * The parameters are copied first: a store to y could change them, as far as the compiler knows. */
#define EC_MATVEC(name, type)                                                                    \
    static inline void name(const ec_matvec *params, const int8_t *x, type *y)                   \
    {                                                                                            \
        const ec_matvec m = *params;                                                             \
        const int8_t *w = m.weights;                                                             \
        int32_t o = 0;                                                                           \
        for (; o + 4 <= m.outputs; o += 4, w += 4 * m.inputs) {                                  \
            int32_t acc[4] = {m.bias[o], m.bias[o + 1], m.bias[o + 2], m.bias[o + 3]};           \
            ec_dot4_s8(x, w, m.inputs, m.inputs, acc);                                           \
            for (int32_t k = 0; k < 4; k++) {                                                    \
                const int32_t q = ec_requant(acc[k], m.multiplier[o + k], m.shift[o + k]);       \
                y[o + k] = (type)ec_clamp(q + m.zero, m.lo, m.hi);                               \
            }                                                                                    \
        }                                                                                        \
        for (; o < m.outputs; o++, w += m.inputs) {                                              \
            const int32_t acc = ec_dot_s8(x, w, m.inputs, m.bias[o]);                            \
            const int32_t q = ec_requant(acc, m.multiplier[o], m.shift[o]);                      \
            y[o] = (type)ec_clamp(q + m.zero, m.lo, m.hi);                                       \
        }                                                                                        \
    }

EC_MATVEC(ec_matvec_s8, int8_t)
EC_MATVEC(ec_matvec_s16, int16_t)

#endif
