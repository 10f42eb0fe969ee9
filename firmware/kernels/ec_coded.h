/* Weights in fewer bytes: codes for the entries of a book, taken apart a few outputs at a time into the table
 * that a kernel reads.
 *
 * A unit is the weights of four outputs, in the order in which the kernel's table has them, and padded as they are there.
 * It is made of stripes of equal length, behind each of which the table may have words of its outputs (`ends`).
 * codes: of a unit, for each eight weights `bits` bytes, the first weight in the lowest bits; `bits` bytes behind the last
 * unit may be read. book: the weights that codes stand for, `entries` of them, for each `share` units. scales: where it is
 * not NULL, weights are an entry times a factor; a unit has `runs` of them, each for a run of weights, in order, the same for
 * every stripe. pairs: whether the table has the sums 256 * b + a of two weights (ec_dsp_layer.h), or bytes.
 *
 * lengths: where it is not NULL, codes are canonical Huffman codes (Schwartz and Kallick, Communications of the ACM 7/3,
 * 1964), those of a book in the order of its entries; of each book, it has how many are of 1, 2 .. `longest` bits. The codes
 * of all units follow each other, the first one in the highest bits of the last byte; `bytes` is where the last four are, and
 * three bytes in front of all are free.
 */
#ifndef EC_CODED_H
#define EC_CODED_H

#include "edgec.h"

typedef struct {
    const uint8_t *codes;
    const int8_t *book;
    const uint8_t *scales;
    const uint32_t *ends;
    const uint8_t *lengths;
    int32_t bits;    /* of a code; of Huffman's those that are looked up at a time, `longest` or, for two codes, twice that */
    int32_t bytes;   /* of a unit's codes */
    int32_t entries;
    int32_t longest; /* up to 12, and up to 6 where two codes are looked up at a time */
    int32_t share;   /* units that share a book */
    int32_t stripes; /* of a unit */
    int32_t stripe;  /* weights of a stripe: with several, or with runs, a multiple of 8 */
    int32_t runs;
    int32_t words;   /* of ends, behind each stripe */
    int32_t pairs;
    int32_t tile;    /* outputs that are taken apart at a time, a multiple of 4 */
    int32_t room;    /* bytes of scratch for them, a multiple of 8; the last 16 of them are left */
    int32_t inner;   /* bytes of scratch for the kernel itself, a multiple of 8 */
    int32_t rows;    /* that share what is taken apart; not for the DSP extension */
} ec_coded;

/* What a kernel has taken apart. */
typedef struct {
    const ec_coded *c;
    void *tables;
    void *tile;
    int32_t book;  /* that the tables are of, -1 where they are of none yet */
    int32_t first; /* the first output in the tile, -1 where there is none yet */
    uint32_t at;   /* of codes of unequal lengths: where those behind the tile begin, in bits */
} ec_decoder;

/* Bytes of scratch for the tables that codes are looked up in, a multiple of 8. */
static inline int32_t ec_coded_tables(const ec_coded *c)
{
    return c->lengths == NULL && c->bits == 2 ? 1024 : c->lengths != NULL || c->bits > 4 ? 4 << c->bits : 2 << 2 * c->bits;
}

/* Begins with the scratch of a kernel; returns what is left of it. */
void *ec_coded_begin(ec_decoder *d, const ec_coded *c, void *scratch);

/* The table of outputs first .. first + n - 1, and of what fills up their unit. first is 0, or follows those of the call
 * before, or is the same. */
const void *ec_coded_tile(ec_decoder *d, int32_t first, int32_t n);

#endif
