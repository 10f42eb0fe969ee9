#include "ec_linear_s8.h"

#include "ec_dot.h"

void ec_linear_s8(const ec_linear_s8_params *p, const ec_window *in, const ec_window *out,
                  int32_t first, int32_t last, void *scratch)
{
    const int32_t n = p->inputs;

    for (int32_t row = first; row < last; row++) {
        const int8_t *x = ec_row_s8(in, row);
        int8_t *y = (int8_t *)ec_row(out, row);

        if (ec_overlaps(x, n * p->vectors, y, p->outputs * p->vectors)) {
            x = (const int8_t *)memcpy(scratch, x, (size_t)(n * p->vectors));
        }
        for (int32_t v = 0; v < p->vectors; v++, x += n) {
            const int8_t *w = p->weights;
            for (int32_t o = 0; o < p->outputs; o++, w += n) {
                const int32_t acc = ec_dot_s8(x, w, n, p->bias[o]);
                const int32_t q = ec_requant(acc, p->multiplier[o], p->shift[o]) + p->output_zero;
                *y++ = (int8_t)ec_clamp(q, p->lo, p->hi);
            }
        }
    }
}
