#include "ec_coded.h"

#include "ec_dsp.h"
#include "ec_huffman.h"

void *ec_coded_begin(ec_decoder *d, const ec_coded *c, void *scratch)
{
    uint8_t *tile = (uint8_t *)scratch + ec_coded_tables(c);

    *d = (ec_decoder){c, scratch, tile, -1, -1, 0};
    return tile + c->room;
}

/* -- tables: what codes are looked up in -------------------------------------
 *
 * A pair is two weights as they lie in a table, in 16 bits: that of the second one is 256 times it. Of 2 bits, there is a
 * word for four codes, of 3 and 4 a pair for two, above a part of a pair for the first code and one for the second. */

static void make_tables(const ec_coded *c, const int8_t *book, void *tables)
{
    const uint32_t mask = c->pairs || c->scales != NULL ? 0xFFFFu : 0xFFu; /* factors are for sums */
    const int32_t n = 1 << c->bits;
    uint16_t pairs[16];
    uint16_t *to = c->bits == 2 ? pairs : (uint16_t *)tables;

    if (c->bits > 4) {
        for (int32_t i = 0; i < n; i++) {
            to[i] = (uint16_t)((uint32_t)book[i] & mask);
            to[n + i] = (uint16_t)((uint32_t)book[i] << 8);
        }
        return;
    }
    for (int32_t second = 0; second < n; second++) {
        const uint32_t upper = (uint32_t)book[second] << 8;
        for (int32_t first = 0; first < n; first++) {
            *to++ = (uint16_t)(((uint32_t)book[first] & mask) + upper);
        }
    }
    if (c->bits == 2) {
        uint32_t *word = (uint32_t *)tables;
        for (int32_t second = 0; second < 16; second++) {
            for (int32_t first = 0; first < 16; first++) {
                *word++ = pairs[first] | (uint32_t)pairs[second] << 16;
            }
        }
    }
}

/* -- weights --------------------------------------------------------------- */

/* How weights come from entries of the book. */
enum { AS_THEY_ARE, FACTOR_OF_SUMS, FACTOR_OF_BYTES };

/* The lower halves of two words. */
EC_INLINE uint32_t halves(uint32_t lower, uint32_t upper) { return (lower & 0xFFFFu) | upper << 16; }

/* The pair whose codes are the bits of x from `at` on; more than 16 bits of it may be left. */
EC_INLINE uint32_t pair_at(const uint16_t *pairs, uint32_t x, uint32_t at, uint32_t bits, int how, uint32_t factor)
{
    const uint32_t n = 1u << bits;
    const uint32_t pair = bits > 4 ? (uint32_t)pairs[x >> at & (n - 1u)] + pairs[n + (x >> (at + bits) & (n - 1u))]
                                   : pairs[x >> at & (n * n - 1u)];
    const uint32_t product = how == AS_THEY_ARE ? pair : pair * factor;

    return how == FACTOR_OF_BYTES ? product + ((product & 0x80u) << 1) : product;
}

/* Four weights. */
EC_INLINE uint32_t word_at(const void *tables, uint32_t x, uint32_t at, uint32_t bits, int how, uint32_t factor)
{
    const uint16_t *pairs = (const uint16_t *)tables;

    if (bits == 2) {
        return ((const uint32_t *)tables)[x >> at & 0xFFu];
    }
    return halves(pair_at(pairs, x, at, bits, how, factor), pair_at(pairs, x, at + 2 * bits, bits, how, factor));
}

EC_INLINE uint32_t load(const uint8_t *codes)
{
    uint32_t x;
    __builtin_memcpy(&x, codes, 4);
    return x;
}

/* Eight weights, of 4 bits and more. */
EC_INLINE void eight(const void *tables, const uint8_t *codes, uint32_t *to, uint32_t bits, int how, uint32_t factor)
{
    const uint32_t behind = bits - 4; /* bytes between the loads for four codes each */
    const uint32_t x = load(codes);

    to[0] = word_at(tables, x, 0, bits, how, factor);
    to[1] = word_at(tables, behind > 0 ? load(codes + behind) : x, 4 * bits - 8 * behind, bits, how, factor);
}

/* Sixteen weights. */
EC_INLINE void sixteen(const void *tables, const uint8_t *codes, uint32_t *to, uint32_t bits, int how, uint32_t factor)
{
    if (bits >= 4) {
        eight(tables, codes, to, bits, how, factor);
        eight(tables, codes + bits, to + 2, bits, how, factor);
    } else {
        const uint32_t behind = 2 * bits - 4;
        const uint32_t x = load(codes);
        const uint32_t y = behind > 0 ? load(codes + behind) : x;
        to[0] = word_at(tables, x, 0, bits, how, factor);
        to[1] = word_at(tables, x, 4 * bits, bits, how, factor);
        to[2] = word_at(tables, y, 8 * bits - 8 * behind, bits, how, factor);
        to[3] = word_at(tables, y, 12 * bits - 8 * behind, bits, how, factor);
    }
}

/* n weights, rounded up to sixteen; returns where their codes, rounded up to eight, end. */
EC_INLINE const uint8_t *decode(const void *tables, const uint8_t *codes, int32_t n, uint32_t *to, uint32_t bits, int how,
                                uint32_t factor)
{
    const uint8_t *next = codes + (n + 7) / 8 * (int32_t)bits;

    EC_NO_UNROLL
    for (; codes < next; to += 4, codes += 2 * bits) {
        sixteen(tables, codes, to, bits, how, factor);
    }
    return next;
}

static const uint8_t *stripe(const ec_coded *c, const void *tables, const uint8_t *codes, uint32_t *to)
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
static const uint8_t *runs(const ec_coded *c, const void *tables, const uint8_t *codes, const uint8_t *scales, uint32_t *to)
{
    const int32_t n = c->stripe / c->runs;

    for (const uint32_t *end = to + c->stripe / 4; to < end; to += n / 4, scales++) {
        codes = c->pairs ? decode(tables, codes, n, to, 4, FACTOR_OF_SUMS, *scales)
                         : decode(tables, codes, n, to, 4, FACTOR_OF_BYTES, *scales);
    }
    return codes;
}

static void tables_of(ec_decoder *d, int32_t book)
{
    if (d->book == book) {
        return;
    }
    d->book = book;
    if (d->c->lengths != NULL) {
        ec_huffman_tables(d->c, book, (uint32_t *)d->tables);
    } else {
        make_tables(d->c, d->c->book + book * d->c->entries, d->tables);
    }
}

const void *ec_coded_tile(ec_decoder *d, int32_t first, int32_t n)
{
    const ec_coded *c = d->c;
    const int32_t unit = c->lengths == NULL ? c->bytes : 0;
    const size_t ends = (size_t)c->words * sizeof *c->ends;
    uint32_t *to = (uint32_t *)d->tile;

    if (d->first == first) {
        return d->tile;
    }
    d->first = first;
    d->at = first == 0 ? 0 : d->at;
    for (int32_t u = first / 4; u < (first + n + 3) / 4; u++) {
        const uint8_t *codes = c->codes + u * unit;
        const uint8_t *scales = c->scales != NULL ? c->scales + u * c->runs : NULL;
        tables_of(d, u / c->share);
        for (int32_t s = 0; s < c->stripes; s++) {
            if (c->lengths != NULL) {
                d->at = ec_huffman_stripe(c, (const uint32_t *)d->tables, d->at, scales, to);
            } else {
                codes = scales != NULL ? runs(c, d->tables, codes, scales, to) : stripe(c, d->tables, codes, to);
            }
            to += c->stripe / 4;
            if (ends != 0) {
                memcpy(to, c->ends + (u * c->stripes + s) * c->words, ends);
                to += c->words;
            }
        }
    }
    return d->tile;
}
