#include "ec_lut_s16.h"

#include "ec_lut_line.h"

void ec_lut_s16(const ec_lut_s16_params *p, const ec_window *in, const ec_window *out,
                int32_t first, int32_t last, void *scratch)
{
    (void)scratch;

    for (int32_t row = first; row < last; row++) {
        const int16_t *x = (const int16_t *)ec_row(in, row);
        int16_t *y = (int16_t *)ec_row(out, row);
        int32_t i = 0;

#ifdef EC_HAVE_NEON
        for (; i + 4 <= p->length; i += 4) {
            vst1_s16(y + i, vrshrn_n_s32(ec_neon_lut_lines(p->table, x + i), 7));
        }
#endif
#ifdef EC_HAVE_MVE
        for (; i < p->length; i += 4) {
            const mve_pred16_t live = vctp32q((uint32_t)(p->length - i));
            const int32x4_t v = ec_lut_line_x4(p->table, vldrhq_z_s32(x + i, live), live);
            vstrhq_p_s32(y + i, vrshrq_n_s32(v, 7), live);
        }
#endif
        for (; i < p->length; i++) {
            y[i] = (int16_t)((ec_lut_line(p->table, x[i]) + 64) >> 7);
        }
    }
}
