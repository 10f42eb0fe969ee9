#include "ec_prelu_s8.h"

#include "ec_mve.h"

#ifdef EC_HAVE_MVE
/* n values, as many as there are channels. */
static void pixel(const ec_prelu_s8_params *p, const int8_t *x, int32_t n, int8_t *y)
{
    const ec_factor above = ec_factor_of(p->multiplier, p->shift);
    const ec_factor below = ec_factor_of(p->alpha_multiplier, p->alpha_shift);
    const int32x4_t lo = vdupq_n_s32(-128);
    const int32x4_t hi = vdupq_n_s32(127);
    const int16_t *alpha = p->alpha;
    const int32_t input_zero = p->input_zero;
    const int32_t output_zero = p->output_zero;

    for (; n > 0; n -= 4, x += 4, alpha += 4, y += 4) {
        const mve_pred16_t live = vctp32q((uint32_t)n);
        const int32x4_t v = vsubq_n_s32(vldrbq_z_s32(x, live), input_zero);
        const int32x4_t u = ec_requant_by_x4(vmulq_s32(v, vldrhq_z_s32(alpha, live)), below);
        int32x4_t q = vpselq_s32(ec_requant_by_x4(v, above), u, vcmpgeq_n_s32(v, 0));
        q = vaddq_n_s32(q, output_zero);
        vstrbq_p_s32(y, vminq_s32(vmaxq_s32(q, lo), hi), live);
    }
}
#endif

void ec_prelu_s8(const ec_prelu_s8_params *p, const ec_window *in, const ec_window *out,
                 int32_t first, int32_t last, void *scratch)
{
    (void)scratch;

    for (int32_t row = first; row < last; row++) {
        const int8_t *x = ec_row_s8(in, row);
        int8_t *y = (int8_t *)ec_row(out, row);
        int32_t i = 0;
        int32_t c = 0;

#ifdef EC_HAVE_MVE
        for (; i < p->length; i += p->channels) {
            pixel(p, x + i, p->channels, y + i);
        }
#endif
        for (; i < p->length; i++, c++) {
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
