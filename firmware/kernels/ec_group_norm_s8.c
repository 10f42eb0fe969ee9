#include "ec_group_norm_s8.h"

#include "ec_norm.h"
#include "ec_norm_neon.h"

typedef struct {
    int64_t squares;
    int32_t sum;
    ec_norm norm;
} group;

/* One line's values of a group, added. */
static void add_line(const ec_group_norm_s8_params *p, const int8_t *x, group *g)
{
    const int32_t channels = p->groups * p->depth;
    int32_t sum = g->sum;
    int64_t squares = g->squares;

    for (int32_t i = 0; i < p->pixels; i++, x += channels) {
        int32_t c = 0;
#ifdef EC_HAVE_NEON
        int32_t s2 = 0;
        c = ec_neon_sums_s8(x, p->depth, &sum, &s2);
        squares += s2;
#endif
        for (; c < p->depth; c++) {
            sum += x[c];
            squares += x[c] * x[c];
        }
    }
    g->sum = sum;
    g->squares = squares;
}

static void measure(const ec_group_norm_s8_params *p, const ec_window *in, int32_t image, group *g)
{
    const int64_t count = (int64_t)p->image_rows * p->pixels * p->depth;

    memset(g, 0, (size_t)p->groups * sizeof *g);
    for (int32_t row = image * p->image_rows; row < (image + 1) * p->image_rows; row++) {
        const int8_t *x = ec_row_s8(in, row);
        for (int32_t k = 0; k < p->groups; k++, x += p->depth) {
            add_line(p, x, g + k);
        }
    }
    for (int32_t k = 0; k < p->groups; k++) {
        const int64_t power = count * g[k].squares - (int64_t)g[k].sum * g[k].sum + p->epsilon;
        g[k].norm = ec_norm_of((int32_t)count, g[k].sum, power, p->fraction);
    }
}

/* One line's values of a group. */
static void normalize_line(const ec_group_norm_s8_params *p, ec_norm norm, const int16_t *gamma,
                           const int32_t *beta, const int8_t *x, int8_t *y)
{
    const int32_t channels = p->groups * p->depth;
    const int32_t depth = p->depth;
    const int32_t shift = p->shift;

    for (int32_t i = p->pixels; i > 0; i--, x += channels, y += channels) {
        int32_t c = 0;
#ifdef EC_HAVE_NEON
        c = ec_neon_norm(&norm, x, 0, depth, gamma, beta, shift, y, 0);
#endif
        for (; c < depth; c++) {
            y[c] = (int8_t)ec_clamp(ec_norm_value(norm, x[c], gamma[c], beta[c], shift), -128, 127);
        }
    }
}

void ec_group_norm_s8(const ec_group_norm_s8_params *p, const ec_window *in, const ec_window *out,
                      int32_t first, int32_t last, void *scratch)
{
    group *g = (group *)scratch;
    int32_t measured = -1;

    for (int32_t row = first; row < last; row++) {
        const int8_t *x = ec_row_s8(in, row);
        int8_t *y = (int8_t *)ec_row(out, row);

        if (row / p->image_rows != measured) {
            measured = row / p->image_rows;
            measure(p, in, measured, g);
        }
        for (int32_t k = 0; k < p->groups; k++) {
            const int32_t at = k * p->depth;
            normalize_line(p, g[k].norm, p->gamma + at, p->beta + at, x + at, y + at);
        }
    }
}
