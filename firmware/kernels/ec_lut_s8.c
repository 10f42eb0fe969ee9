#include "ec_lut_s8.h"

void ec_lut_s8(const ec_lut_s8_params *p, const ec_window *in, const ec_window *out,
               int32_t first, int32_t last, void *scratch)
{
    const int8_t *zero = p->table + 128;
    (void)scratch;

    for (int32_t row = first; row < last; row++) {
        const int8_t *x = ec_row_s8(in, row);
        int8_t *y = (int8_t *)ec_row(out, row);
        int32_t i = 0;

        for (; i + 4 <= p->length; i += 4) {
            const int8_t a = zero[x[i]];
            const int8_t b = zero[x[i + 1]];
            const int8_t c = zero[x[i + 2]];
            const int8_t d = zero[x[i + 3]];
            y[i] = a;
            y[i + 1] = b;
            y[i + 2] = c;
            y[i + 3] = d;
        }
        for (; i < p->length; i++) {
            y[i] = zero[x[i]];
        }
    }
}
