#include "ec_add_neon.h"

#include "ec_binary_neon.h"

#ifdef EC_HAVE_NEON
typedef struct {
    ec_neon_scale a;
    ec_neon_scale b;
    ec_neon_scale y;
    int32x4_t zero;
    int32x4_t half; /* the left shift where an operand is only halved, as the coarser one is */
    int32_t halved; /* 1 where a is, 2 where b is */
    int32_t subtract;
} scales;

static inline scales scales_of(const ec_add_neon_params *p)
{
    const int half_a = p->a_multiplier == 1 << 30 && p->a_shift == 0;
    const int half_b = p->b_multiplier == 1 << 30 && p->b_shift == 0;
    const scales s = {ec_neon_scale_of(p->left_shift, p->a_multiplier, p->a_shift),
                      ec_neon_scale_of(p->left_shift, p->b_multiplier, p->b_shift),
                      ec_neon_scale_of(0, p->y_multiplier, p->y_shift),
                      vdupq_n_s32(p->y_zero),
                      vdupq_n_s32(p->left_shift - 1),
                      half_a ? 1 : half_b ? 2 : 0,
                      p->subtract};
    return s;
}

EC_INLINE void sums(const void *params, int32x4_t *a, const int32x4_t *b, int fours)
{
    const scales *s = (const scales *)params;
    int32x4_t z[4];

#pragma GCC unroll 4
    for (int k = 0; k < fours; k++) {
        z[k] = s->halved == 2 ? vshlq_s32(b[k], s->half) : b[k];
        a[k] = s->halved == 1 ? vshlq_s32(a[k], s->half) : a[k];
    }
    if (s->halved != 1) {
        ec_neon_scaled(s->a, a, fours);
    }
    if (s->halved != 2) {
        ec_neon_scaled(s->b, z, fours);
    }
#pragma GCC unroll 4
    for (int k = 0; k < fours; k++) {
        a[k] = s->subtract ? vsubq_s32(a[k], z[k]) : vaddq_s32(a[k], z[k]);
    }
    ec_neon_scaled(s->y, a, fours);
#pragma GCC unroll 4
    for (int k = 0; k < fours; k++) {
        a[k] = vaddq_s32(a[k], s->zero);
    }
}
#else
static void combine(const void *params, int32_t *a, const int32_t *b, int32_t n)
{
    const ec_add_neon_params *p = (const ec_add_neon_params *)params;

    for (int32_t i = 0; i < n; i++) {
        const int32_t x = ec_requant((int32_t)((uint32_t)a[i] << p->left_shift), p->a_multiplier, p->a_shift);
        const int32_t z = ec_requant((int32_t)((uint32_t)b[i] << p->left_shift), p->b_multiplier, p->b_shift);
        a[i] = ec_requant(p->subtract ? x - z : x + z, p->y_multiplier, p->y_shift) + p->y_zero;
    }
}
#endif

void ec_add_neon(const ec_add_neon_params *p, const ec_window *in, const ec_window *out, int32_t first, int32_t last,
                 void *scratch)
{
    ec_binary common;

    (void)scratch;
    memcpy(&common, p, sizeof common);
#ifdef EC_HAVE_NEON
    const scales s = scales_of(p);
    ec_neon_binary_run(&common, &s, sums, in, out, first, last);
#else
    ec_binary_run(&common, p, combine, in, out, first, last);
#endif
}
