#include "ec_linear_s8_dsp.h"

#include "ec_dsp_layer.h"

enum {
    MOST = 32,     /* vectors together */
    CACHED = 1536, /* bytes of weights that are to stay in a data cache of 4 KB */
};

static void one(const ec_linear_s8_dsp_params *p, const ec_dsp_layer *l, const int8_t *x, int8_t *y, void *scratch)
{
    const int32_t bytes = p->outputs * (int32_t)sizeof *y;
    const int as_it_is = p->padded == p->inputs && !ec_overlaps(x, p->inputs, y, bytes);

    ec_dsp_single_s8(l, as_it_is ? x : (const int8_t *)memcpy(scratch, x, (size_t)p->inputs), y);
}

/* Columns of `pairs` pairs of vectors: some outputs of all of them before the next, so that their weights stay in a
 * data cache. */
static void columns(const ec_linear_s8_dsp_params *p, const ec_dsp_layer *l, const uint32_t *column, int8_t *const *y, int32_t pairs)
{
    const int32_t some = pairs > 1 ? ec_max(CACHED / (p->padded + 12) & ~3, 4) : p->outputs;
    ec_dsp_layer part = *l;

    for (int32_t o = 0; o < p->outputs; o += some, part.table += some * (p->padded + 12) / 4) {
        part.outputs = ec_min(some, p->outputs - o);
        for (int32_t k = 0; k < pairs; k++) {
            ec_dsp_pair_s8(&part, column + k * (p->padded + 2), y[2 * k] + o, y[2 * k + 1] + o);
        }
    }
}

void ec_linear_s8_dsp(const ec_linear_s8_dsp_params *p, const ec_window *in, const ec_window *out, int32_t first, int32_t last,
         void *scratch)
{
    const ec_dsp_layer l = {p->table, p->padded, p->outputs, p->lo, p->hi, p->offset};
    uint32_t *column = (uint32_t *)scratch;
    int8_t *y[MOST];
    const int8_t *x = NULL;
    int32_t waiting = 0;

    for (int32_t row = first; row < last; row++) {
        const int8_t *from = ec_row_s8(in, row);
        int8_t *to = (int8_t *)ec_row(out, row);

        for (int32_t v = 0; v < p->vectors; v++, from += p->inputs, to += p->outputs) {
            if (p->together == 1) {
                one(p, &l, from, to, scratch);
                continue;
            }
            y[waiting++] = to;
            if ((waiting & 1) != 0) {
                x = from;
                continue;
            }
            ec_dsp_expand2(column + (waiting / 2 - 1) * (p->padded + 2), x, from, p->inputs);
            if (waiting == p->together) {
                columns(p, &l, column, y, waiting / 2);
                waiting = 0;
            }
        }
    }
    if ((waiting & 1) != 0) {
        int8_t *spare = (int8_t *)(column + waiting / 2 * (p->padded + 2));
        memcpy(spare, x, (size_t)p->inputs);
        columns(p, &l, column, y, waiting / 2);
        ec_dsp_single_s8(&l, spare, y[waiting - 1]);
    } else if (waiting > 0) {
        columns(p, &l, column, y, waiting / 2);
    }
}
