#include "ec_lut_s16_s8.h"

#include "ec_lut_line.h"

void ec_lut_s16_s8(const ec_lut_s16_s8_params *p, const ec_window *in, const ec_window *out,
                   int32_t first, int32_t last, void *scratch)
{
    (void)scratch;

    for (int32_t row = first; row < last; row++) {
        const int16_t *x = (const int16_t *)ec_row(in, row);
        int8_t *y = (int8_t *)ec_row(out, row);
        int32_t i = 0;

#ifdef EC_HAVE_NEON
        for (; i + 8 <= p->length; i += 8) {
            const int16x4_t a = vrshrn_n_s32(ec_neon_lut_lines(p->table, x + i), 15);
            const int16x4_t b = vrshrn_n_s32(ec_neon_lut_lines(p->table, x + i + 4), 15);
            vst1_s8(y + i, vqmovn_s16(vcombine_s16(a, b)));
        }
#endif
#ifdef EC_HAVE_MVE
        for (; i < p->length; i += 4) {
            const mve_pred16_t live = vctp32q((uint32_t)(p->length - i));
            const int32x4_t v = vrshrq_n_s32(ec_lut_line_x4(p->table, vldrhq_z_s32(x + i, live), live), 15);
            vstrbq_p_s32(y + i, vminq_s32(vmaxq_s32(v, vdupq_n_s32(-128)), vdupq_n_s32(127)), live);
        }
#endif
        for (; i < p->length; i++) {
            const int32_t v = (ec_lut_line(p->table, x[i]) + (1 << 14)) >> 15;
            y[i] = (int8_t)ec_clamp(v, -128, 127);
        }
    }
}
