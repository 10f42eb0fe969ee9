#include "ec_lut_s8_s16.h"

void ec_lut_s8_s16(const ec_lut_s8_s16_params *p, const ec_window *in, const ec_window *out,
                   int32_t first, int32_t last, void *scratch)
{
    const int16_t *zero = p->table + 128;
    (void)scratch;

    for (int32_t row = first; row < last; row++) {
        const int8_t *x = ec_row_s8(in, row);
        int16_t *y = (int16_t *)ec_row(out, row);

        for (int32_t i = 0; i < p->length; i++) {
            y[i] = zero[x[i]];
        }
    }
}
