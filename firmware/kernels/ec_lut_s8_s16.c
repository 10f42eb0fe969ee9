#include "ec_lut_s8_s16.h"

#include "ec_mve.h"

void ec_lut_s8_s16(const ec_lut_s8_s16_params *p, const ec_window *in, const ec_window *out,
                   int32_t first, int32_t last, void *scratch)
{
    const int16_t *zero = p->table + 128;
    (void)scratch;

    for (int32_t row = first; row < last; row++) {
        const int8_t *x = ec_row_s8(in, row);
        int16_t *y = (int16_t *)ec_row(out, row);

        int32_t i = 0;

#ifdef EC_HAVE_MVE
        for (; i < p->length; i += 8) {
            const mve_pred16_t live = vctp16q((uint32_t)(p->length - i));
            const int16x8_t at = vaddq_n_s16(vldrbq_z_s16(x + i, live), 128);
            vstrhq_p_s16(y + i, vldrhq_gather_shifted_offset_z_s16(p->table, vreinterpretq_u16_s16(at), live), live);
        }
#endif
        for (; i < p->length; i++) {
            y[i] = zero[x[i]];
        }
    }
}
