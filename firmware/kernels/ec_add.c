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

#ifdef EC_HAVE_MVE
typedef struct {
    ec_factor a;
    ec_factor b;
    ec_factor y;
    int32_t left_shift;
    int32_t subtract;
    int32_t zero;
} vector;

static int32x4_t combine_x4(const void *params, int32x4_t a, int32x4_t b)
{
    const vector *p = (const vector *)params;
    const int32x4_t x = ec_requant_by_x4(vshlq_r_s32(a, p->left_shift), p->a);
    const int32x4_t z = ec_requant_by_x4(vshlq_r_s32(b, p->left_shift), p->b);
    return vaddq_n_s32(ec_requant_by_x4(p->subtract ? vsubq_s32(x, z) : vaddq_s32(x, z), p->y), p->zero);
}
#endif

void ec_add(const ec_add_params *p, const ec_window *in, const ec_window *out, int32_t first,
            int32_t last, void *scratch)
{
    ec_binary common;

    (void)scratch;
    memcpy(&common, p, sizeof common);
#ifdef EC_HAVE_MVE
    if (ec_binary_is_x4(&common)) {
        const vector v = {ec_factor_of(p->a_multiplier, p->a_shift), ec_factor_of(p->b_multiplier, p->b_shift),
                          ec_factor_of(p->y_multiplier, p->y_shift), p->left_shift, p->subtract, p->y_zero};
        ec_binary_run_x4(&common, &v, combine_x4, in, out, first, last);
        return;
    }
#endif
    ec_binary_run(&common, p, combine, in, out, first, last);
}
