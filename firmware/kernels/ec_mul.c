#include "ec_mul.h"

#include "ec_binary_neon.h"

#ifdef EC_HAVE_NEON
static inline int32x4_t by_sixteen(int64x2_t low, int64x2_t high)
{
    return vrshrn_high_n_s64(vrshrn_n_s64(low, 4), high, 4);
}

EC_INLINE void products(const void *params, int32x4_t *a, const int32x4_t *b, int fours)
{
    const ec_mul_params *p = (const ec_mul_params *)params;
    const int32x4_t multiplier = vdupq_n_s32(p->y_multiplier);
    const int32x4_t left = vdupq_n_s32(ec_max(p->y_shift, 0));
    const int32x4_t right = vdupq_n_s32(ec_min(p->y_shift, 0));

#pragma GCC unroll 4
    for (int k = 0; k < fours; k++) {
        a[k] = p->product_shift == 0 ? vmulq_s32(a[k], b[k])
                                     : by_sixteen(vmull_s32(vget_low_s32(a[k]), vget_low_s32(b[k])),
                                                  vmull_high_s32(a[k], b[k]));
    }
#pragma GCC unroll 4
    for (int k = 0; k < fours; k++) {
        const int32x4_t x = ec_neon_rshift(vqrdmulhq_s32(vshlq_s32(a[k], left), multiplier), right);
        a[k] = vaddq_s32(x, vdupq_n_s32(p->y_zero));
    }
}
#else
static void combine(const void *params, int32_t *a, const int32_t *b, int32_t n)
{
    const ec_mul_params *p = (const ec_mul_params *)params;

    for (int32_t i = 0; i < n; i++) {
        const int64_t half = (INT64_C(1) << p->product_shift) >> 1;
        const int32_t product = (int32_t)(((int64_t)a[i] * b[i] + half) >> p->product_shift);
        a[i] = ec_requant(product, p->y_multiplier, p->y_shift) + p->y_zero;
    }
}
#endif

#ifdef EC_HAVE_MVE
typedef struct {
    ec_factor y;
    int32_t zero;
} vector;

static int32x4_t combine_x4(const void *params, int32x4_t a, int32x4_t b)
{
    const vector *p = (const vector *)params;
    return vaddq_n_s32(ec_requant_by_x4(vmulq_s32(a, b), p->y), p->zero);
}
#endif

void ec_mul(const ec_mul_params *p, const ec_window *in, const ec_window *out, int32_t first,
            int32_t last, void *scratch)
{
    ec_binary common;

    (void)scratch;
    memcpy(&common, p, sizeof common);
#ifdef EC_HAVE_MVE
    if (ec_binary_is_x4(&common)) {
        const vector v = {ec_factor_of(p->y_multiplier, p->y_shift), p->y_zero};
        ec_binary_run_x4(&common, &v, combine_x4, in, out, first, last);
        return;
    }
#endif
#ifdef EC_HAVE_NEON
    const ec_mul_params here = *p; /* a store of a result could change them in memory */
    ec_neon_binary_run(&common, &here, products, in, out, first, last);
#else
    ec_binary_run(&common, p, combine, in, out, first, last);
#endif
}
