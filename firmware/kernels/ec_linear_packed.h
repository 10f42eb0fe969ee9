/* Linear with packed weights (ec_gemm.h), int8 to int8, or to int16 where `wide`: every row of the input
 * holds `vectors` vectors of `inputs` values and gives as many of `outputs` values.
 *
 * packed: `inputs` rounded up to 16. bias with the input's zero point folded in.
 * Aliasing: an output row may overlap the input row of the same index, beginning and ending no later.
 * Scratch: 8 * packed bytes.
 */
#ifndef EC_LINEAR_PACKED_H
#define EC_LINEAR_PACKED_H

#include "edgec.h"

typedef struct {
    int32_t inputs;
    int32_t packed;
    int32_t outputs;
    int32_t vectors;
    int32_t wide;
    int32_t output_zero;
    int32_t lo;
    int32_t hi;
    const int8_t *weights;
    const int32_t *bias;
    const int32_t *multiplier;
    const int32_t *shift;
} ec_linear_packed;

#ifdef EC_GEMM_DEPTH
#include "ec_gemm.h"

/* n vectors that lie x_pitch bytes apart; through the tile where results could touch them. */
static inline void ec_linear_vectors(const ec_linear_packed *p, const ec_gemm *m, const int8_t *x, int32_t x_pitch,
                                     int32_t n, uint8_t *y, int32_t y_pitch, int8_t *tile)
{
    const int32_t y_bytes = p->outputs << p->wide;
    const int apart = !ec_overlaps(x, (n - 1) * x_pitch + p->inputs, y, (n - 1) * y_pitch + y_bytes);

    if (apart && p->inputs == p->packed) {
        ec_gemm_run(m, x, x_pitch, n, y, y_pitch);
        return;
    }
    for (int32_t i = 0; i < n; i += EC_TILE) {
        const int32_t some = ec_min(EC_TILE, n - i);
        for (int32_t k = 0; k < some; k++) {
            ec_copy(tile + k * p->packed, x + (i + k) * x_pitch, p->inputs);
        }
        ec_gemm_run(m, tile, p->packed, some, y + i * y_pitch, y_pitch);
    }
}

/* Rows from `row` on that lie one behind the other, up to n. */
static inline int32_t ec_linear_stretch(const ec_window *w, int32_t row, int32_t n)
{
    return w->slots != NULL ? 1 : ec_min(n, w->capacity - row % w->capacity);
}

static inline void ec_linear_rows(const ec_linear_packed *p, const ec_window *in, const ec_window *out, int32_t first,
                                  int32_t last, void *scratch)
{
    const ec_gemm m = {p->packed, p->outputs, p->wide, p->output_zero, p->lo,
                       p->hi,     p->weights, p->bias, p->multiplier,  p->shift};
    int8_t *tile = (int8_t *)scratch;
    int32_t n = 1;

    ec_gemm_clear(&m, tile, p->inputs);
    for (int32_t row = first; row < last; row += n) {
        const int8_t *x = ec_row_s8(in, row);
        uint8_t *y = (uint8_t *)ec_row(out, row);

        if (p->vectors == 1) {
            n = ec_linear_stretch(out, row, ec_linear_stretch(in, row, last - row));
            ec_linear_vectors(p, &m, x, in->pitch, n, y, out->pitch, tile);
        } else {
            ec_linear_vectors(p, &m, x, p->inputs, p->vectors, y, p->outputs << p->wide, tile);
        }
    }
}
#endif

#endif
