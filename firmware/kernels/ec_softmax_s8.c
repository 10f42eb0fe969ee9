#include "ec_softmax_s8.h"

#include "ec_reciprocal.h"

static void softmax(const ec_softmax_s8_params *p, const int8_t *x, int8_t *y)
{
    int32_t top = x[0];
    int32_t sum = 0;
    int32_t bits;

    for (int32_t i = 1; i < p->length; i++) {
        top = ec_max(top, x[i]);
    }
    for (int32_t i = 0; i < p->length; i++) {
        sum += ec_rshift(p->exponentials[top - x[i]], 12);
    }
    const int32_t inverse = ec_reciprocal(sum, 12, &bits);
    const int32_t shift = bits + p->drop;
    for (int32_t i = 0; i < p->length; i++) {
        const int32_t part = ec_mulhigh(inverse, p->exponentials[top - x[i]]);
        y[i] = (int8_t)ec_min((shift > 31 ? 0 : ec_rshift(part, shift)) - 128, 127);
    }
}

void ec_softmax_s8(const ec_softmax_s8_params *p, const ec_window *in, const ec_window *out, int32_t first,
                   int32_t last, void *scratch)
{
    (void)scratch;
    for (int32_t row = first; row < last; row++) {
        const int8_t *x = ec_row_s8(in, row);
        int8_t *y = (int8_t *)ec_row(out, row);
        for (int32_t v = 0; v < p->vectors; v++) {
            softmax(p, x + v * p->length, y + v * p->length);
        }
    }
}
