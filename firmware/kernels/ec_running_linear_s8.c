#include "ec_running_linear_s8.h"

#include "ec_dot.h"

void ec_running_linear_s8(const ec_running_linear_s8_params *p, const ec_window *in, const ec_window *out,
                          int32_t first, int32_t last, void *scratch)
{
    const int32_t n = p->inputs;
    const int32_t outputs = p->outputs;

    (void)scratch;
    for (int32_t row = first; row < last; row++) {
        const int8_t *x = ec_row_s8(in, row);
        const int8_t *w = p->weights + row * outputs * n;
        int32_t *y = (int32_t *)ec_row(out, row);
        const int32_t *before = y;
        int32_t o = 0;

        if (row == 0) {
            memset(y, 0, (size_t)outputs * sizeof *y);
        } else {
            before = (const int32_t *)ec_row(out, row - 1);
        }
        for (; o + 4 <= outputs; o += 4, w += 4 * n) {
            int32_t acc[4] = {before[o], before[o + 1], before[o + 2], before[o + 3]};
            ec_dot4_s8(x, w, n, n, acc);
            for (int32_t k = 0; k < 4; k++) {
                y[o + k] = acc[k];
            }
        }
        for (; o < outputs; o++, w += n) {
            y[o] = ec_dot_s8(x, w, n, before[o]);
        }
    }
}
