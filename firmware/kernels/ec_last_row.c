#include "ec_last_row.h"

static int32_t element(const ec_last_row_params *p, const void *x, int32_t at)
{
    if (p->bytes == 4) {
        return ((const int32_t *)x)[at];
    }
    return p->bytes == 2 ? ((const int16_t *)x)[at] : ((const int8_t *)x)[at];
}

static int32_t result(const ec_last_row_params *p, int32_t x, int32_t entry)
{
    if (p->multiplier != NULL) {
        return ec_requant(x + p->offset[entry], p->multiplier[entry], p->shift[entry]) + p->output_zero;
    }
    if (p->count != NULL) {
        const int32_t sum = x + p->offset[entry];
        const int32_t half = p->count[entry] / 2;
        return (sum < 0 ? sum - half : sum + half) / p->count[entry];
    }
    return x;
}

void ec_last_row(const ec_last_row_params *params, const ec_window *in, const ec_window *out, int32_t first,
                 int32_t last, void *scratch)
{
    const ec_last_row_params p = *params;
    const void *x = ec_row(in, p.last);

    (void)scratch;
    for (int32_t row = first; row < last; row++) {
        void *y = ec_row(out, row);
        for (int32_t i = 0; i < p.length; i++) {
            const int32_t at = row * p.length + i;
            const int32_t q = ec_clamp(result(&p, element(&p, x, at), at * p.step), p.lo, p.hi);
            if (p.wide) {
                ((int16_t *)y)[i] = (int16_t)q;
            } else {
                ((int8_t *)y)[i] = (int8_t)q;
            }
        }
    }
}
