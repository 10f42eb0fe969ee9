#include "ec_add_neon.h"

#include "ec_neon.h"

static void combine(const void *params, int32_t *a, const int32_t *b, int32_t n)
{
    const ec_add_neon_params *p = (const ec_add_neon_params *)params;

    for (int32_t i = 0; i < n; i++) {
        const int32_t x = ec_requant((int32_t)((uint32_t)a[i] << p->left_shift), p->a_multiplier, p->a_shift);
        const int32_t z = ec_requant((int32_t)((uint32_t)b[i] << p->left_shift), p->b_multiplier, p->b_shift);
        a[i] = ec_requant(p->subtract ? x - z : x + z, p->y_multiplier, p->y_shift) + p->y_zero;
    }
}

#ifdef EC_HAVE_NEON
/* How a sum of its kind is scaled: to the left, times the multiplier, and to the right. */
typedef struct {
    int32x4_t multiplier;
    int32x4_t shift;
} scale;

static inline scale scale_of(int32_t multiplier, int32_t shift)
{
    const scale s = {vdupq_n_s32(multiplier), vdupq_n_s32(shift)};
    return s;
}

/* Elements i .. i+15, of which only the first is there where `step` is 0, less the zero point. */
EC_INLINE void load(int32x4_t to[4], const void *x, int32_t wide, int32_t i, int32_t step, int32_t zero)
{
    int16x8_t low;
    int16x8_t high;

    if (step == 0) {
        to[0] = vdupq_n_s32((wide ? ((const int16_t *)x)[i] : ((const int8_t *)x)[i]) - zero);
        to[1] = to[2] = to[3] = to[0];
        return;
    }
    if (wide) {
        low = vld1q_s16((const int16_t *)x + i);
        high = vld1q_s16((const int16_t *)x + i + 8);
    } else {
        const int8x16_t v = vld1q_s8((const int8_t *)x + i);
        low = vmovl_s8(vget_low_s8(v));
        high = vmovl_high_s8(v);
    }
    const int32x4_t z = vdupq_n_s32(zero);
    to[0] = vsubq_s32(vmovl_s16(vget_low_s16(low)), z);
    to[1] = vsubq_s32(vmovl_high_s16(low), z);
    to[2] = vsubq_s32(vmovl_s16(vget_low_s16(high)), z);
    to[3] = vsubq_s32(vmovl_high_s16(high), z);
}

EC_INLINE void store(void *y, int32_t wide, int32_t i, const int32x4_t v[4], int32_t lo, int32_t hi)
{
    int16x8_t low = vcombine_s16(vqmovn_s32(v[0]), vqmovn_s32(v[1]));
    int16x8_t high = vcombine_s16(vqmovn_s32(v[2]), vqmovn_s32(v[3]));

    low = vminq_s16(vmaxq_s16(low, vdupq_n_s16((int16_t)lo)), vdupq_n_s16((int16_t)hi));
    high = vminq_s16(vmaxq_s16(high, vdupq_n_s16((int16_t)lo)), vdupq_n_s16((int16_t)hi));
    if (wide) {
        vst1q_s16((int16_t *)y + i, low);
        vst1q_s16((int16_t *)y + i + 8, high);
    } else {
        vst1q_s8((int8_t *)y + i, vcombine_s8(vmovn_s16(low), vmovn_s16(high)));
    }
}

/* The first elements of an inner loop, by sixteens; returns how many. */
static int32_t sixteens(const ec_add_neon_params *p, const void *a, int32_t from_a, const void *b, int32_t from_b,
                        void *y, int32_t done)
{
    const scale sa = scale_of(p->a_multiplier, p->a_shift);
    const scale sb = scale_of(p->b_multiplier, p->b_shift);
    const scale sy = scale_of(p->y_multiplier, p->y_shift);
    const int32x4_t left = vdupq_n_s32(p->left_shift);
    const int32x4_t zero = vdupq_n_s32(p->y_zero);
    const int32_t ka = p->a_inner;
    const int32_t kb = p->b_inner;
    int32_t i = 0;

    for (; i + 16 <= p->inner; i += 16) {
        int32x4_t x[4];
        int32x4_t z[4];
        load(x, a, p->a_wide, from_a + i * ka, ka, p->a_zero);
        load(z, b, p->b_wide, from_b + i * kb, kb, p->b_zero);
#pragma GCC unroll 4
        for (int k = 0; k < 4; k++) {
            const int32x4_t u = ec_neon_requant(vshlq_s32(x[k], left), sa.multiplier, sa.shift);
            const int32x4_t v = ec_neon_requant(vshlq_s32(z[k], left), sb.multiplier, sb.shift);
            const int32x4_t sum = p->subtract ? vsubq_s32(u, v) : vaddq_s32(u, v);
            x[k] = vaddq_s32(ec_neon_requant(sum, sy.multiplier, sy.shift), zero);
        }
        store(y, p->y_wide, done + i, x, p->lo, p->hi);
    }
    return i;
}

static void add_row(const ec_add_neon_params *p, const void *a, const void *b, void *y)
{
    int32_t from_a = 0;
    int32_t from_b = 0;

    for (int32_t done = 0; done < p->row_size; done += p->inner, from_a += p->a_outer, from_b += p->b_outer) {
        const int32_t i = sixteens(p, a, from_a, b, from_b, y, done);
        int32_t va[EC_CHUNK];
        int32_t vb[EC_CHUNK];
        const int32_t n = p->inner - i;
        ec_load(va, a, p->a_wide, from_a + i * p->a_inner, p->a_inner, n, p->a_zero);
        ec_load(vb, b, p->b_wide, from_b + i * p->b_inner, p->b_inner, n, p->b_zero);
        combine(p, va, vb, n);
        ec_store(y, p->y_wide, done + i, va, n, p->lo, p->hi);
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
    const ec_add_neon_params here = *p;
    const ec_binary_windows w = ec_binary_windows_of(&common, in);
    for (int32_t row = first; row < last; row++) {
        add_row(&here, ec_binary_a(&common, w.a, row), ec_binary_b(&common, w.b, row), ec_row(out, row));
    }
#else
    ec_binary_run(&common, p, combine, in, out, first, last);
#endif
}
