#include "ec_mul.h"

static void combine(const void *params, int32_t *a, const int32_t *b, int32_t n)
{
    const ec_mul_params *p = (const ec_mul_params *)params;

    for (int32_t i = 0; i < n; i++) {
        const int64_t half = (INT64_C(1) << p->product_shift) >> 1;
        const int32_t product = (int32_t)(((int64_t)a[i] * b[i] + half) >> p->product_shift);
        a[i] = ec_requant(product, p->y_multiplier, p->y_shift) + p->y_zero;
    }
}

void ec_mul(const ec_mul_params *p, const ec_window *in, const ec_window *out, int32_t first,
            int32_t last, void *scratch)
{
    ec_binary common;

    (void)scratch;
    memcpy(&common, p, sizeof common);
    ec_binary_run(&common, p, combine, in, out, first, last);
}
