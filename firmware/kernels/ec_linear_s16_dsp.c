#include "ec_linear_s16_dsp.h"

#include "ec_dsp_layer.h"

static void one(const ec_linear_s16_dsp_params *p, const ec_dsp_layer *l, const int8_t *x, int16_t *y, void *scratch)
{
    const int32_t bytes = p->outputs * (int32_t)sizeof *y;
    const int as_it_is = p->padded == p->inputs && !ec_overlaps(x, p->inputs, y, bytes);

    ec_dsp_single_s16(l, as_it_is ? x : (const int8_t *)memcpy(scratch, x, (size_t)p->inputs), y);
}

static void two(const ec_linear_s16_dsp_params *p, const ec_dsp_layer *l, const int8_t *const *x, int16_t *const *y, uint32_t *column)
{
    const int32_t whole = p->inputs & ~3;

    ec_dsp_expand2(column, x[0], x[1], whole);
    for (int32_t v = 0; v < 2 && whole < p->inputs; v++) {
        int8_t rest[4] = {0, 0, 0, 0};
        memcpy(rest, x[v] + whole, (size_t)(p->inputs - whole));
        ec_dsp_expand(column + whole + v, rest, 4);
    }
    ec_dsp_pair_s16(l, column, y[0], y[1]);
}

void ec_linear_s16_dsp(const ec_linear_s16_dsp_params *p, const ec_window *in, const ec_window *out, int32_t first, int32_t last,
         void *scratch)
{
    const ec_dsp_layer l = {p->table, p->padded, p->outputs, p->lo, p->hi};
    const int8_t *x[2];
    int16_t *y[2];
    int32_t waiting = 0;

    for (int32_t row = first; row < last; row++) {
        const int8_t *from = ec_row_s8(in, row);
        int16_t *to = (int16_t *)ec_row(out, row);

        for (int32_t v = 0; v < p->vectors; v++, from += p->inputs, to += p->outputs) {
            x[waiting] = from;
            y[waiting] = to;
            if (!p->pairs) {
                one(p, &l, from, to, scratch);
            } else if (++waiting == 2) {
                two(p, &l, x, y, (uint32_t *)scratch);
                waiting = 0;
            }
        }
    }
    if (waiting != 0) {
        one(p, &l, x[0], y[0], scratch);
    }
}
