#include "ec_coded.h"

#include "ec_dsp.h"

/* Two weights as they lie in a table. */
static uint32_t pair_of(int32_t summed, int32_t low, int32_t high)
{
    return (summed ? 256u * (uint32_t)high + (uint32_t)low : ((uint32_t)low & 255u) | (uint32_t)high << 8) & 0xFFFFu;
}

void ec_coded_begin(const ec_coded *c, uint16_t *tables)
{
    const int32_t n = 1 << c->bits;
    const int32_t summed = c->pairs || c->scales != NULL; /* factors are for sums */

    if (c->bits > 4) { /* of one weight, lower and upper */
        for (int32_t i = 0; i < n; i++) {
            tables[i] = (uint16_t)pair_of(summed, c->book[i], 0);
            tables[n + i] = (uint16_t)pair_of(summed, 0, c->book[i]);
        }
        return;
    }
    for (int32_t high = 0; high < n; high++) {
        for (int32_t low = 0; low < n; low++) {
            *tables++ = (uint16_t)pair_of(summed, c->book[low], c->book[high]);
        }
    }
}

/* The pair whose codes are the lowest bits of x. */
EC_INLINE uint32_t pair_at(const uint16_t *tables, uint32_t x, uint32_t bits)
{
    const uint32_t one = (1u << bits) - 1u;

    if (bits > 4) {
        return ((uint32_t)tables[x & one] + tables[(1u << bits) + (x >> bits & one)]) & 0xFFFFu;
    }
    return tables[x & ((1u << 2 * bits) - 1u)];
}

/* A factor for both weights of a pair; `bytes`: the sum as two bytes. */
EC_INLINE uint32_t scaled(uint32_t pair, uint32_t factor, int bytes)
{
    const uint32_t product = pair * factor;

    return (bytes ? product + ((product & 0x80u) << 1) : product) & 0xFFFFu;
}

/* How weights come from entries of the book. */
enum { AS_THEY_ARE, FACTOR_OF_SUMS, FACTOR_OF_BYTES };

/* Eight weights. */
EC_INLINE void eight(const uint16_t *tables, const uint8_t *codes, uint32_t *to, uint32_t bits, int how, uint32_t factor)
{
    uint32_t low;
    uint32_t high;
    uint32_t pairs[4];

    if (bits >= 4) {
        __builtin_memcpy(&low, codes, 4);
        high = low >> 4 * bits % 32;
        high |= bits > 4 ? (uint32_t)codes[4] << (32 - 4 * bits) : 0;
        high |= bits > 5 ? (uint32_t)codes[5] << 16 : 0;
    } else {
        low = codes[0] | (uint32_t)codes[1] << 8;
        low |= bits == 3 ? (uint32_t)codes[2] << 16 : 0;
        high = low >> 4 * bits;
    }
    pairs[0] = pair_at(tables, low, bits);
    pairs[1] = pair_at(tables, low >> 2 * bits, bits);
    pairs[2] = pair_at(tables, high, bits);
    pairs[3] = pair_at(tables, high >> 2 * bits, bits);
    if (how != AS_THEY_ARE) {
        for (int k = 0; k < 4; k++) {
            pairs[k] = scaled(pairs[k], factor, how == FACTOR_OF_BYTES);
        }
    }
    to[0] = pairs[0] | pairs[1] << 16;
    to[1] = pairs[2] | pairs[3] << 16;
}

/* n weights, rounded up to eight; returns where their codes end. */
EC_INLINE const uint8_t *decode(const uint16_t *tables, const uint8_t *codes, int32_t n, uint32_t *to, uint32_t bits,
                                int how, uint32_t factor)
{
    const uint32_t *end = to + (n + 7) / 8 * 2;

    if (bits == 4 && how == AS_THEY_ARE) { /* the most common: four steps in one */
        EC_NO_UNROLL
        for (const uint32_t *fours = to + n / 32 * 8; to < fours; to += 8, codes += 16) {
            eight(tables, codes, to, bits, how, factor);
            eight(tables, codes + 4, to + 2, bits, how, factor);
            eight(tables, codes + 8, to + 4, bits, how, factor);
            eight(tables, codes + 12, to + 6, bits, how, factor);
        }
    }
    EC_NO_UNROLL
    for (; to < end; to += 2, codes += bits) {
        eight(tables, codes, to, bits, how, factor);
    }
    return codes;
}

static const uint8_t *stripe(const ec_coded *c, const uint16_t *tables, const uint8_t *codes, uint32_t *to)
{
    const int32_t n = c->stripe;

    switch (c->bits) {
    case 2:
        return decode(tables, codes, n, to, 2, AS_THEY_ARE, 0);
    case 3:
        return decode(tables, codes, n, to, 3, AS_THEY_ARE, 0);
    case 4:
        return decode(tables, codes, n, to, 4, AS_THEY_ARE, 0);
    case 5:
        return decode(tables, codes, n, to, 5, AS_THEY_ARE, 0);
    default:
        return decode(tables, codes, n, to, 6, AS_THEY_ARE, 0);
    }
}

/* The same with factors. */
static const uint8_t *runs(const ec_coded *c, const uint16_t *tables, const uint8_t *codes, const uint8_t *scales,
                           uint32_t *to)
{
    const int32_t n = c->stripe / c->runs;

    for (const uint32_t *end = to + c->stripe / 4; to < end; to += n / 4, scales++) {
        codes = c->pairs ? decode(tables, codes, n, to, 4, FACTOR_OF_SUMS, *scales)
                         : decode(tables, codes, n, to, 4, FACTOR_OF_BYTES, *scales);
    }
    return codes;
}

void ec_coded_tile(const ec_coded *c, const uint16_t *tables, int32_t first, int32_t n, void *tile)
{
    const size_t ends = (size_t)c->words * sizeof *c->ends;
    uint32_t *to = (uint32_t *)tile;

    for (int32_t u = first / 4; u < (first + n + 3) / 4; u++) {
        const uint8_t *codes = c->codes + u * c->bytes;
        for (int32_t s = 0; s < c->stripes; s++) {
            codes = c->scales != NULL ? runs(c, tables, codes, c->scales + u * c->runs, to)
                                      : stripe(c, tables, codes, to);
            to += c->stripe / 4;
            if (ends != 0) {
                memcpy(to, c->ends + (u * c->stripes + s) * c->words, ends);
                to += c->words;
            }
        }
    }
}
