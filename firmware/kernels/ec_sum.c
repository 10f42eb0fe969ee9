#include "ec_sum.h"

/* The sum of one line: n elements of a row, `step` apart. */
static int32_t line(const ec_sum_params *p, const void *row, int32_t column, int32_t n, int32_t step)
{
    int32_t sum = 0;

    if (p->wide) {
        const int16_t *x = (const int16_t *)row + column;
        for (int32_t i = 0; i < n; i++, x += step) {
            sum += *x;
        }
    } else {
        const int8_t *x = (const int8_t *)row + column;
        for (int32_t i = 0; i < n; i++, x += step) {
            sum += *x;
        }
    }
    return sum;
}

static int32_t total(const ec_sum_params *p, const ec_window *in, int32_t row, int32_t column)
{
    const int32_t *a = p->reduced;
    const int32_t *b = a + 3;
    const int32_t *c = b + 3;
    int32_t sum = p->offset;

    for (int32_t i = 0; i < a[0]; i++) {
        for (int32_t j = 0; j < b[0]; j++) {
            const int32_t r = row + i * a[1] + j * b[1];
            const int32_t at = column + i * a[2] + j * b[2];
            if (c[1] == 0) {
                sum += line(p, ec_row(in, r), at, c[0], c[2]);
                continue;
            }
            for (int32_t k = 0; k < c[0]; k++) {
                sum += line(p, ec_row(in, r + k * c[1]), at, 1, 0);
            }
        }
    }
    return sum;
}

void ec_sum(const ec_sum_params *p, const ec_window *in, const ec_window *out, int32_t first, int32_t last,
            void *scratch)
{
    (void)scratch;
    for (int32_t i = first; i < last; i++) {
        int8_t *y = (int8_t *)ec_row(out, i);
        for (int32_t e = 0; e < p->length; e++) {
            int32_t at = i * p->length + e;
            int32_t row = 0;
            int32_t column = 0;
            for (int32_t k = p->axes - 1; k >= 0; k--) {
                const int32_t *axis = p->kept + 3 * k;
                const int32_t index = at % axis[0];
                at /= axis[0];
                row += index * axis[1];
                column += index * axis[2];
            }
            y[e] = (int8_t)ec_clamp(ec_requant(total(p, in, row, column), p->multiplier, p->shift) + p->output_zero,
                                    INT8_MIN, INT8_MAX);
        }
    }
}
