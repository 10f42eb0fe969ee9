#include "ec_add.h"

static void combine(const void *params, int32_t *a, const int32_t *b, int32_t n)
{
    const ec_add_params *p = (const ec_add_params *)params;

    for (int32_t i = 0; i < n; i++) {
        const int32_t x = ec_requant((int32_t)((uint32_t)a[i] << p->left_shift), p->a_multiplier, p->a_shift);
        const int32_t z = ec_requant((int32_t)((uint32_t)b[i] << p->left_shift), p->b_multiplier, p->b_shift);
        a[i] = ec_requant(p->subtract ? x - z : x + z, p->y_multiplier, p->y_shift) + p->y_zero;
    }
}

void ec_add(const ec_add_params *p, const ec_window *in, const ec_window *out, int32_t first,
            int32_t last, void *scratch)
{
    ec_binary common;

    (void)scratch;
    memcpy(&common, p, sizeof common);
    ec_binary_run(&common, p, combine, in, out, first, last);
}
