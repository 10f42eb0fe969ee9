#include "ec_prelu_s8.h"

void ec_prelu_s8(const ec_prelu_s8_params *p, const ec_window *in, const ec_window *out,
                 int32_t first, int32_t last, void *scratch)
{
    (void)scratch;

    for (int32_t row = first; row < last; row++) {
        const int8_t *x = ec_row_s8(in, row);
        int8_t *y = (int8_t *)ec_row(out, row);
        int32_t c = 0;

        for (int32_t i = 0; i < p->length; i++, c++) {
            const int32_t v = x[i] - p->input_zero;
            if (c == p->channels) {
                c = 0;
            }
            const int32_t q = v >= 0 ? ec_requant(v, p->multiplier, p->shift)
                                     : ec_requant(v * p->alpha[c], p->alpha_multiplier, p->alpha_shift);
            y[i] = (int8_t)ec_clamp(q + p->output_zero, -128, 127);
        }
    }
}
