#include "ec_dsp_layer.h"

/* The last n % 4 of n values, as a word with zeros above. */
static inline uint32_t rest(const int8_t *x, int32_t n) { return ec_word(x + n - 4) >> (32 - 8 * (n & 3)); }

static inline void put(uint32_t *to, uint32_t w)
{
    to[0] = ec_sxtb16(w);
    to[2] = ec_sxtb16(ec_ror(w, 8));
}

void ec_dsp_expand(uint32_t *to, const int8_t *x, int32_t n)
{
    const int8_t *whole = x + (n & ~3);

    if ((n & 3) != 0) {
        put(to + (n & ~3), rest(x, n));
    }
    for (; x < whole; x += 4, to += 4) {
        put(to, ec_word(x));
    }
}

void ec_dsp_expand2(uint32_t *to, const int8_t *x0, const int8_t *x1, int32_t n)
{
    const int8_t *whole = x0 + (n & ~3);

    if ((n & 3) != 0) {
        put(to + (n & ~3), rest(x0, n));
        put(to + (n & ~3) + 1, rest(x1, n));
    }
    for (; x0 < whole; x0 += 4, x1 += 4, to += 4) {
        put(to, ec_word(x0));
        put(to + 1, ec_word(x1));
    }
}

/* A pair's sums over four inputs: [0] of 256a + b, [1] of b. */
static inline void add_products(uint32_t even, uint32_t odd, const uint32_t *w, int32_t group, int32_t sums[2])
{
    const uint32_t further = w[group / 2];

    sums[0] = ec_smlad(odd, further, ec_smlad(even, w[0], sums[0]));
    sums[1] = ec_smlad(odd, ec_sxtb16(further), ec_smlad(even, ec_sxtb16(w[0]), sums[1]));
}

void ec_dsp_store(const ec_dsp_layer *l, const uint32_t *finish, int32_t o, int32_t twice, void *y, int32_t bytes)
{
    const int32_t sum = (int32_t)((uint32_t)twice + (uint32_t)ec_twice_bias(finish[0]));
    const int32_t q = ec_finish(sum, (int32_t)finish[1], ec_places(finish[0]), l->offset);
    const int32_t x = ec_clamp(q, l->lo, l->hi);

    if (o < l->outputs && bytes == 1) {
        ((int8_t *)y)[o] = (int8_t)x;
    } else if (o < l->outputs) {
        ((int16_t *)y)[o] = (int16_t)x;
    }
}

/* The pair of outputs o and o + 1. */
static void store_pair(const ec_dsp_layer *l, const uint32_t *finish, int32_t o, const int32_t sums[2], void *y,
                       int32_t bytes)
{
    ec_dsp_store(l, finish, o, (int32_t)((uint32_t)sums[0] - (uint32_t)sums[1]) >> 7, y, bytes);
    ec_dsp_store(l, finish + EC_DSP_ENDS, o + 1, (int32_t)((uint32_t)sums[1] << 1), y, bytes);
}

void ec_dsp_column_in_c(const ec_dsp_layer *l, int32_t group, const uint32_t *column, int32_t v, void *y,
                        int32_t bytes)
{
    const int32_t weights = group / 2 * l->inputs / 2;
    const uint32_t *table = l->table;

    for (int32_t g = 0; g < l->outputs; g += group, table += weights + EC_DSP_ENDS * group) {
        for (int32_t o = 0; o < group; o += 2) {
            const uint32_t *w = table + o / 2;
            int32_t sums[2] = {0, 0};
            for (int32_t k = 0; k < l->inputs; k += 4, w += group) {
                add_products(column[k + v], column[k + 2 + v], w, group, sums);
            }
            store_pair(l, table + weights + EC_DSP_ENDS * o, g + o, sums, y, bytes);
        }
    }
}

void ec_dsp_vector_in_c(const ec_dsp_layer *l, int32_t group, int32_t first, const int8_t *x, void *y,
                        int32_t bytes)
{
    const int32_t weights = group / 2 * l->inputs / 2;
    const uint32_t *table = l->table + first / group * (weights + EC_DSP_ENDS * group);

    for (int32_t g = first; g < l->outputs; g += group, table += weights + EC_DSP_ENDS * group) {
        for (int32_t o = 0; o < group; o += 2) {
            const uint32_t *w = table + o / 2;
            int32_t sums[2] = {0, 0};
            for (int32_t k = 0; k < l->inputs; k += 4, w += group) {
                const uint32_t four = ec_word(x + k);
                add_products(ec_sxtb16(four), ec_sxtb16(ec_ror(four, 8)), w, group, sums);
            }
            store_pair(l, table + weights + EC_DSP_ENDS * o, g + o, sums, y, bytes);
        }
    }
}
