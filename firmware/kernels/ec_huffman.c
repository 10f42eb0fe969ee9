#include "ec_huffman.h"

#include "ec_dsp.h"

/* -- tables ------------------------------------------------------------------
 *
 * There is a word for whatever the next `bits` bits may be. Its lowest byte is how many of them are codes. Its upper half
 * is a weight, or a pair of them as ec_coded.c has it. */

/* The words of `left` bits that begin with one more code, given what is known of them before. */
EC_APART static uint32_t *fill(const ec_coded *c, const int8_t *book, const uint8_t *lengths, int32_t left, uint32_t known,
                         uint32_t mask, uint32_t *to)
{
    const uint32_t at = known == 0 ? 16 : 24;

    for (int32_t length = 1; length <= c->longest; length++) {
        EC_NO_UNROLL
        for (int32_t n = *lengths++; n > 0; n--) {
            const uint32_t word = known + (((uint32_t)*book++ & mask) << at) + (uint32_t)length;
            EC_NO_UNROLL
            for (int32_t k = 1 << (left - length); k > 0; k--) {
                *to++ = word;
            }
        }
    }
    return to;
}

void ec_huffman_tables(const ec_coded *c, int32_t book, uint32_t *tables)
{
    const uint32_t mask = c->pairs || c->scales != NULL ? 0xFFFFu : 0xFFu; /* factors are for sums */
    const uint8_t *lengths = c->lengths + book * c->longest;
    const int8_t *entries = c->book + book * c->entries;
    const int8_t *first = entries;

    if (c->bits == c->longest) {
        fill(c, entries, lengths, c->bits, 0, mask, tables);
        return;
    }
    for (int32_t length = 1; length <= c->longest; length++) {
        for (int32_t n = lengths[length - 1]; n > 0; n--) {
            const uint32_t known = (((uint32_t)*first++ & mask) << 16) + (uint32_t)length;
            tables = fill(c, entries, lengths, c->bits - length, known, mask, tables);
        }
    }
}

/* -- weights --------------------------------------------------------------- */

/* 25 bits at least, highest first, from so many bits on; they go from the end of the codes to the beginning. */
EC_INLINE uint32_t window(const uint8_t *last, uint32_t at)
{
    uint32_t x;
    __builtin_memcpy(&x, last - (at >> 3), 4);
    return x << (at & 7u);
}

/* The word for the bits of x, which then go. */
EC_INLINE uint32_t next(const uint32_t *tables, uint32_t down, uint32_t *x, uint32_t *at)
{
    const uint32_t word = tables[*x >> down];

    *x <<= word & 0xFFu;
    *at += word & 0xFFu;
    return word;
}

/* Words of four weights up to `end`, looked up two weights at a time or one. */
EC_INLINE uint32_t decode(const ec_coded *c, const uint32_t *tables, uint32_t at, uint32_t *to, const uint32_t *end, int two)
{
    const uint8_t *last = c->codes + c->bytes;
    const uint32_t down = 32u - (uint32_t)c->bits;

    EC_NO_UNROLL
    while (to < end) {
        uint32_t x = window(last, at);
        uint32_t lower = next(tables, down, &x, &at);
        uint32_t upper = next(tables, down, &x, &at);
        if (!two) {
            lower += upper << 8;
            x = window(last, at);
            upper = next(tables, down, &x, &at);
            upper += next(tables, down, &x, &at) << 8;
        }
        *to++ = lower >> 16 | (upper & 0xFFFF0000u);
    }
    return at;
}

/* Words times a factor. bytes: the lower one of a pair takes from the upper then, which gets it back. */
EC_INLINE void scale(uint32_t *to, const uint32_t *end, uint32_t factor, int bytes)
{
    EC_NO_UNROLL
    while (to < end) {
        uint32_t lower = *to * factor;
        uint32_t upper = (*to >> 16) * factor;
        if (bytes) {
            lower += (lower & 0x80u) << 1;
            upper += (upper & 0x80u) << 1;
        }
        *to++ = (lower & 0xFFFFu) | upper << 16;
    }
}

/* A stripe times its factors. */
EC_APART static void scaled(const ec_coded *c, uint32_t *to, const uint8_t *scales)
{
    const int32_t n = c->stripe / 4 / c->runs;

    for (const uint8_t *end = scales + c->runs; scales < end; scales++, to += n) {
        if (c->pairs) {
            scale(to, to + n, *scales, 0);
        } else {
            scale(to, to + n, *scales, 1);
        }
    }
}

uint32_t ec_huffman_stripe(const ec_coded *c, const uint32_t *tables, uint32_t at, const uint8_t *scales, uint32_t *to)
{
    const uint32_t *end = to + c->stripe / 4;

    at = c->bits != c->longest ? decode(c, tables, at, to, end, 1) : decode(c, tables, at, to, end, 0);
    if (scales != NULL) {
        scaled(c, to, scales);
    }
    return at;
}
