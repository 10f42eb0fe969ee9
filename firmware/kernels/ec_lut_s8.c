#include "ec_lut_s8.h"

#include "ec_dsp.h"
#include "ec_mve.h"

/* table: 256 entries, that of 0 in the middle. */
static void line(const int8_t *table, const int8_t *x, int8_t *y, int32_t n)
{
    const int8_t *zero = table + 128;
    const int8_t *end = x + n;
    const int8_t *fours = x + (n & ~3);

#ifdef EC_HAVE_MVE
    for (; x < end; x += 16, y += 16) {
        const mve_pred16_t live = vctp8q((uint32_t)(end - x));
        const uint8x16_t at = vreinterpretq_u8_s8(veorq_s8(vldrbq_z_s8(x, live), vdupq_n_s8(-128)));
        vstrbq_p_s8(y, vldrbq_gather_offset_z_s8(table, at, live), live);
    }
#endif
    EC_NO_UNROLL
    for (; x < fours; x += 4, y += 4) {
        const int8_t a = zero[x[0]];
        const int8_t b = zero[x[1]];
        const int8_t c = zero[x[2]];
        const int8_t d = zero[x[3]];
        y[0] = a;
        y[1] = b;
        y[2] = c;
        y[3] = d;
        EC_STEPPED(x);
        EC_STEPPED(y);
    }
    EC_NO_UNROLL
    for (; x < end; x++, y++) {
        *y = zero[*x];
    }
}

void ec_lut_s8(const ec_lut_s8_params *p, const ec_window *in, const ec_window *out,
               int32_t first, int32_t last, void *scratch)
{
    (void)scratch;
    for (int32_t row = first; row < last; row++) {
        line(p->table, ec_row_s8(in, row), (int8_t *)ec_row(out, row), p->length);
    }
}
