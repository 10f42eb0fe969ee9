#include "ec_lut_s8.h"

#include "ec_dsp.h"

/* zero: the table's entry of 0. */
static void line(const int8_t *zero, const int8_t *x, int8_t *y, int32_t n)
{
    const int8_t *end = x + n;
    const int8_t *fours = x + (n & ~3);

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
        line(p->table + 128, ec_row_s8(in, row), (int8_t *)ec_row(out, row), p->length);
    }
}
