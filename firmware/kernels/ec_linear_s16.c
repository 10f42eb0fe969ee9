#include "ec_linear_s16.h"

#include "ec_matvec.h"

void ec_linear_s16(const ec_linear_s16_params *p, const ec_window *in, const ec_window *out,
                  int32_t first, int32_t last, void *scratch)
{
    const int32_t n = p->inputs;
    const int32_t x_bytes = n * p->vectors;
    const int32_t y_bytes = p->outputs * p->vectors * (int32_t)sizeof(int16_t);
    const ec_matvec m = {n,          p->outputs, p->output_zero, p->lo,   p->hi,
                         p->weights, p->bias,    p->multiplier,  p->shift};

    for (int32_t row = first; row < last; row++) {
        const int8_t *x = ec_row_s8(in, row);
        int16_t *y = (int16_t *)ec_row(out, row);
        const int copy = ec_overlaps(x, x_bytes, y, y_bytes);

        for (int32_t v = 0; v < p->vectors; v++, x += n, y += p->outputs) {
            ec_matvec_s16(&m, copy ? (const int8_t *)memcpy(scratch, x, (size_t)n) : x, y);
        }
    }
}
