#include "ec_reduce_max_s8.h"

#include "ec_reduce.h"

static int32_t largest(const int32_t *loops, const ec_window *in, ec_place at)
{
    const int32_t *a = loops;
    const int32_t *b = a + 3;
    const int32_t *c = b + 3;
    int32_t most = INT8_MIN;

    for (int32_t i = 0; i < a[0]; i++) {
        for (int32_t j = 0; j < b[0]; j++) {
            const int32_t row = at.row + i * a[1] + j * b[1];
            const int32_t column = at.column + i * a[2] + j * b[2];
            if (c[1] == 0) { /* a line in one row */
                const int8_t *x = ec_row_s8(in, row) + column;
                for (int32_t k = 0; k < c[0]; k++) {
                    most = ec_max(most, x[k * c[2]]);
                }
            } else {
                for (int32_t k = 0; k < c[0]; k++) {
                    most = ec_max(most, ec_row_s8(in, row + k * c[1])[column + k * c[2]]);
                }
            }
        }
    }
    return most;
}

void ec_reduce_max_s8(const ec_reduce_max_s8_params *p, const ec_window *in, const ec_window *out,
                      int32_t first, int32_t last, void *scratch)
{
    (void)scratch;
    for (int32_t row = first; row < last; row++) {
        int8_t *y = (int8_t *)ec_row(out, row);
        for (int32_t i = 0; i < p->length; i++) {
            const ec_place at = ec_reduce_place(p->kept, p->axes, row * p->length + i);
            y[i] = (int8_t)largest(p->reduced, in, at);
        }
    }
}
