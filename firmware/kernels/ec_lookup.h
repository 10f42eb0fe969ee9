/* Sums of products with coded weights of few bits, two at a time: a table has every pair of them side by side, as factors
 * for SMLAD. No weight is taken apart, so this is for vectors that share their weights with no other.
 *
 * A unit is four outputs. Their weights are in runs of eight inputs: those of the first output, then those of the next. In
 * such a run the inputs are in the order 0 2 1 3 4 6 5 7, that of the halfwords SXTB16 makes.
 * codes: of a unit, `bytes` bytes; for each run of an output `bits` bytes, the first weight in the lowest bits; `bits` bytes
 * behind the last unit may be read. book: the weights that codes stand for, `entries` of them, for each `share` units.
 * scales: where it is not NULL, weights are an entry times a factor; a unit has `parts` of them, each for as many inputs.
 * ends: for each output of a unit, what is behind its weights in ec_dsp_layer.h.
 */
#ifndef EC_LOOKUP_H
#define EC_LOOKUP_H

#include "edgec.h"

typedef struct {
    const uint8_t *codes;
    const int8_t *book;
    const uint8_t *scales;
    const uint32_t *ends;
    int32_t bits;    /* of a code, 2 to 5 */
    int32_t bytes;
    int32_t entries;
    int32_t share;   /* units that share a book */
    int32_t padded;  /* inputs, rounded up to eight */
    int32_t parts;
} ec_lookup;

/* Bytes of a table: of 2 bits there are two words for four codes, otherwise there is a word for two. */
static inline int32_t ec_lookup_table(const ec_lookup *c) { return c->bits == 2 ? 2048 : 4 << 2 * c->bits; }

/* Makes the table of a book. */
void ec_lookup_book(const ec_lookup *c, int32_t book, uint32_t *to);

/* The n inputs of a vector as halfwords, with zeros behind them up to `padded`. */
void ec_lookup_expand(const ec_lookup *c, uint32_t *to, const int8_t *x, int32_t n);

/* The sums of a unit's outputs. x: expanded. */
void ec_lookup_sums(const ec_lookup *c, int32_t unit, const uint32_t *table, const uint32_t *x, int32_t sums[4]);

#endif
