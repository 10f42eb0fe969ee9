#include "ec_maximum.h"

#include "ec_binary_neon.h"

#ifdef EC_HAVE_NEON
typedef struct {
    ec_neon_scale a;
    ec_neon_scale b;
    int32x4_t zero;
    int32_t minimum;
} scales;

EC_INLINE void larger(const void *params, int32x4_t *a, const int32x4_t *b, int fours)
{
    const scales *s = (const scales *)params;
    int32x4_t z[4];

#pragma GCC unroll 4
    for (int k = 0; k < fours; k++) {
        z[k] = b[k];
    }
    ec_neon_scaled(s->a, a, fours);
    ec_neon_scaled(s->b, z, fours);
#pragma GCC unroll 4
    for (int k = 0; k < fours; k++) {
        a[k] = vaddq_s32(s->minimum ? vminq_s32(a[k], z[k]) : vmaxq_s32(a[k], z[k]), s->zero);
    }
}
#else
static void combine(const void *params, int32_t *a, const int32_t *b, int32_t n)
{
    const ec_maximum_params *p = (const ec_maximum_params *)params;

    for (int32_t i = 0; i < n; i++) {
        const int32_t x = ec_requant((int32_t)((uint32_t)a[i] << p->left_shift), p->a_multiplier, p->a_shift);
        const int32_t z = ec_requant((int32_t)((uint32_t)b[i] << p->left_shift), p->b_multiplier, p->b_shift);
        a[i] = (p->minimum ? ec_min(x, z) : ec_max(x, z)) + p->y_zero;
    }
}
#endif

#ifdef EC_HAVE_MVE
typedef struct {
    ec_factor a;
    ec_factor b;
    int32_t left_shift;
    int32_t minimum;
    int32_t zero;
} vector;

static int32x4_t combine_x4(const void *params, int32x4_t a, int32x4_t b)
{
    const vector *p = (const vector *)params;
    const int32x4_t x = ec_requant_by_x4(vshlq_r_s32(a, p->left_shift), p->a);
    const int32x4_t z = ec_requant_by_x4(vshlq_r_s32(b, p->left_shift), p->b);
    return vaddq_n_s32(p->minimum ? vminq_s32(x, z) : vmaxq_s32(x, z), p->zero);
}
#endif

void ec_maximum(const ec_maximum_params *p, const ec_window *in, const ec_window *out, int32_t first,
                int32_t last, void *scratch)
{
    ec_binary common;

    (void)scratch;
    memcpy(&common, p, sizeof common);
#ifdef EC_HAVE_MVE
    if (ec_binary_is_x4(&common)) {
        const vector v = {ec_factor_of(p->a_multiplier, p->a_shift), ec_factor_of(p->b_multiplier, p->b_shift),
                          p->left_shift, p->minimum, p->y_zero};
        ec_binary_run_x4(&common, &v, combine_x4, in, out, first, last);
        return;
    }
#endif
#ifdef EC_HAVE_NEON
    const scales s = {ec_neon_scale_of(p->left_shift, p->a_multiplier, p->a_shift),
                      ec_neon_scale_of(p->left_shift, p->b_multiplier, p->b_shift),
                      vdupq_n_s32(p->y_zero),
                      p->minimum};
    ec_neon_binary_run(&common, &s, larger, in, out, first, last);
#else
    ec_binary_run(&common, p, combine, in, out, first, last);
#endif
}
