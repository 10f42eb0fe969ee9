#include "ec_lut_s8.h"

#include "ec_mve.h"

void ec_lut_s8(const ec_lut_s8_params *p, const ec_window *in, const ec_window *out,
               int32_t first, int32_t last, void *scratch)
{
    const int8_t *zero = p->table + 128;
    (void)scratch;

    for (int32_t row = first; row < last; row++) {
        const int8_t *x = ec_row_s8(in, row);
        int8_t *y = (int8_t *)ec_row(out, row);
        int32_t i = 0;

#ifdef EC_HAVE_MVE
        for (; i < p->length; i += 16) {
            const mve_pred16_t live = vctp8q((uint32_t)(p->length - i));
            const uint8x16_t at = vreinterpretq_u8_s8(veorq_s8(vldrbq_z_s8(x + i, live), vdupq_n_s8(-128)));
            vstrbq_p_s8(y + i, vldrbq_gather_offset_z_s8(p->table, at, live), live);
        }
#endif
        for (; i + 4 <= p->length; i += 4) {
            const int8_t a = zero[x[i]];
            const int8_t b = zero[x[i + 1]];
            const int8_t c = zero[x[i + 2]];
            const int8_t d = zero[x[i + 3]];
            y[i] = a;
            y[i + 1] = b;
            y[i + 2] = c;
            y[i + 3] = d;
        }
        for (; i < p->length; i++) {
            y[i] = zero[x[i]];
        }
    }
}
