#include "ec_argmax_s8.h"

#include "ec_reduce.h"

void ec_argmax_s8(const ec_argmax_s8_params *p, const ec_window *in, const ec_window *out,
                  int32_t first, int32_t last, void *scratch)
{
    (void)scratch;
    for (int32_t row = first; row < last; row++) {
        int32_t *y = (int32_t *)ec_row(out, row);
        for (int32_t i = 0; i < p->length; i++) {
            const ec_place at = ec_reduce_place(p->kept, p->axes, row * p->length + i);
            int32_t best = 0;
            int32_t most = INT8_MIN - 1;
            for (int32_t k = 0; k < p->count; k++) {
                const int8_t x = ec_row_s8(in, at.row + k * p->step_row)[at.column + k * p->step_column];
                if (x > most) {
                    most = x;
                    best = k;
                }
            }
            y[i] = best;
        }
    }
}
