#include "ec_add_mve.h"

#include "ec_mve.h"

/* An operand, or a row of it. */
typedef struct {
    const void *x;
    int32_t wide;
    int32_t zero;
} operand;

#ifdef EC_HAVE_MVE
static inline int32x4_t load(const void *x, int32_t wide, int32_t i, mve_pred16_t live)
{
    return wide ? vldrhq_z_s32((const int16_t *)x + i, live) : vldrbq_z_s32((const int8_t *)x + i, live);
}

/* `same`: both operands have one scale. `wide`: not all values are int8. */
static inline void sum_row(const ec_add_mve_params *p, operand e, operand o, void *y, int32_t same, int32_t wide)
{
    const int32_t left = p->left_shift;
    const int32x4_t half = vdupq_n_s32(1 << (left - 1));
    const int32x4_t whole = vdupq_n_s32(same ? 1 << (left - 1) : 1 << left);
    const int32_t e_zero = -(int32_t)((uint32_t)e.zero << (left - 1));
    const int32_t o_zero = -(int32_t)((uint32_t)o.zero << (same ? left - 1 : left));
    const int32_t multiplier = p->multiplier;
    const int32_t shift = p->shift;
    const int32_t y_multiplier = p->y_multiplier;
    const int32_t y_shift = p->y_shift;
    const int32_t zero = p->y_zero;
    const int32x4_t lo = vdupq_n_s32(p->lo);
    const int32x4_t hi = vdupq_n_s32(p->hi);
    const int32_t y_wide = wide && p->y_wide;
    const int32_t size = p->row_size;

    for (int32_t i = 0; i < size; i += 4) {
        const mve_pred16_t live = vctp32q((uint32_t)(size - i));
        int32x4_t a = vmlasq_n_s32(load(e.x, wide && e.wide, i, live), half, e_zero);
        int32x4_t b = vmlasq_n_s32(load(o.x, wide && o.wide, i, live), whole, o_zero);
        if (!same) {
            b = ec_requant_n_x4(b, multiplier, shift);
        }
        a = vaddq_n_s32(ec_requant_n_x4(vaddq_s32(a, b), y_multiplier, y_shift), zero);
        a = vminq_s32(vmaxq_s32(a, lo), hi);
        if (y_wide) {
            vstrhq_p_s32((int16_t *)y + i, a, live);
        } else {
            vstrbq_p_s32((int8_t *)y + i, a, live);
        }
    }
}
#else
static int32_t value(const operand *o, int32_t i)
{
    return (o->wide ? ((const int16_t *)o->x)[i] : ((const int8_t *)o->x)[i]) - o->zero;
}

static inline void sum_row(const ec_add_mve_params *p, operand e, operand o, void *y, int32_t same, int32_t wide)
{
    (void)same;
    (void)wide;
    for (int32_t i = 0; i < p->row_size; i++) {
        const int32_t a = (int32_t)((uint32_t)value(&e, i) << (p->left_shift - 1));
        const int32_t b = (int32_t)((uint32_t)value(&o, i) << p->left_shift);
        const int32_t sum = a + ec_requant(b, p->multiplier, p->shift);
        const int32_t q = ec_clamp(ec_requant(sum, p->y_multiplier, p->y_shift) + p->y_zero, p->lo, p->hi);
        if (p->y_wide) {
            ((int16_t *)y)[i] = (int16_t)q;
        } else {
            ((int8_t *)y)[i] = (int8_t)q;
        }
    }
}
#endif

void ec_add_mve(const ec_add_mve_params *p, const ec_window *in, const ec_window *out, int32_t first,
                int32_t last, void *scratch)
{
    const int a_constant = p->a_s8 != NULL || p->a_s16 != NULL;
    const int b_constant = p->b_s8 != NULL || p->b_s16 != NULL;
    const ec_window *b_window = a_constant ? in : in + 1;
    const int wide = p->a_wide || p->b_wide || p->y_wide;

    (void)scratch;
    for (int32_t row = first; row < last; row++) {
        const int32_t at = row * p->row_size;
        operand a = {NULL, p->a_wide, p->a_zero};
        operand b = {NULL, p->b_wide, p->b_zero};
        void *y = ec_row(out, row);

        a.x = !a_constant ? ec_row(in, row) : p->a_wide ? (const void *)(p->a_s16 + at) : (const void *)(p->a_s8 + at);
        b.x = !b_constant ? ec_row(b_window, row)
              : p->b_wide ? (const void *)(p->b_s16 + at)
                          : (const void *)(p->b_s8 + at);
        if (p->exact != 0) {
            const operand t = a;
            a = b;
            b = t;
        }
        if (wide && p->shift == 0) {
            sum_row(p, a, b, y, 1, 1);
        } else if (wide) {
            sum_row(p, a, b, y, 0, 1);
        } else if (p->shift == 0) {
            sum_row(p, a, b, y, 1, 0);
        } else {
            sum_row(p, a, b, y, 0, 0);
        }
    }
}
