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

void ec_dsp_store(const ec_dsp_layer *l, const uint32_t *finish, int32_t o, int32_t twice, void *y, int32_t bytes)
{
    const int32_t x = ec_dsp_result(l, finish, twice);

    if (o < l->outputs && bytes == 1) {
        ((int8_t *)y)[o] = (int8_t)x;
    } else if (o < l->outputs) {
        ((int16_t *)y)[o] = (int16_t)x;
    }
}

#define EC_DSP_TWIN(name) void ec_dsp_##name
#define EC_DSP_TABLES ec_dsp_layer
#define EC_DSP_PLAIN(plain, l) const ec_dsp_layer *plain = l;
#define EC_DSP_FINISH(l, o, behind) (behind)
#define EC_DSP_SKIP(group) (EC_DSP_ENDS * (group))

#include "ec_dsp_in_c.inc"
