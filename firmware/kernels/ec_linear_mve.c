#include "ec_linear_mve.h"

#include "ec_mve_matvec.h"

/* Two rows that lie apart from their results. */
static int apart(const ec_window *in, const ec_window *out, int32_t row, int32_t x_bytes, int32_t y_bytes)
{
    for (int32_t i = row; i < row + 2; i++) {
        for (int32_t k = row; k < row + 2; k++) {
            if (ec_overlaps(ec_row(in, i), x_bytes, ec_row(out, k), y_bytes)) {
                return 0;
            }
        }
    }
    return 1;
}

void ec_linear_mve(const ec_linear_mve_params *p, const ec_window *in, const ec_window *out,
                      int32_t first, int32_t last, void *scratch)
{
    const int32_t n = p->inputs;
    const int32_t x_bytes = n * p->vectors;
    const int32_t y_step = p->wide ? 2 * p->outputs : p->outputs;
    const int32_t y_bytes = y_step * p->vectors;
    const ec_mve_matvec m = {n, p->outputs, p->output_zero, p->lo, p->hi, p->weights, p->ends, p->wide};

    for (int32_t row = first; row < last; row++) {
        const int8_t *x = ec_row_s8(in, row);
        int8_t *y = (int8_t *)ec_row(out, row);
        int8_t *copied = ec_overlaps(x, x_bytes, y, y_bytes) ? (int8_t *)scratch : NULL;
        int32_t v = 0;

        if (p->vectors == 1 && row + 1 < last && apart(in, out, row, x_bytes, y_bytes)) {
            ec_mve_matvec2(&m, x, ec_row_s8(in, row + 1), y, (int8_t *)ec_row(out, row + 1));
            row++;
            continue;
        }
        for (; v + 2 <= p->vectors; v += 2, x += 2 * n, y += 2 * y_step) {
            const int8_t *from = x;
            if (copied != NULL) {
                ec_copy_s8(copied, x, 2 * n);
                from = copied;
            }
            ec_mve_matvec2(&m, from, from + n, y, y + y_step);
        }
        if (v < p->vectors) {
            if (copied != NULL) {
                ec_copy_s8(copied, x, n);
                x = copied;
            }
            ec_mve_matvec1(&m, x, y);
        }
    }
}
