#include "ec_group_norm_s8.h"

#include "ec_norm.h"
#include "ec_sums.h"

typedef struct {
    int64_t squares;
    int32_t sum;
    ec_norm norm;
} group;

static void measure(const ec_group_norm_s8_params *p, const ec_window *in, int32_t image, group *g)
{
    const int64_t count = (int64_t)p->image_rows * p->pixels * p->depth;

    memset(g, 0, (size_t)p->groups * sizeof *g);
    for (int32_t row = image * p->image_rows; row < (image + 1) * p->image_rows; row++) {
        const int8_t *x = ec_row_s8(in, row);
        for (int32_t i = 0; i < p->pixels; i++) {
            for (int32_t k = 0; k < p->groups; k++, x += p->depth) {
                int32_t sum;
                int64_t squares;
                ec_sums_s8(x, p->depth, &sum, &squares);
                g[k].sum += sum;
                g[k].squares += squares;
            }
        }
    }
    for (int32_t k = 0; k < p->groups; k++) {
        const int64_t power = count * g[k].squares - (int64_t)g[k].sum * g[k].sum + p->epsilon;
        g[k].norm = ec_norm_of((int32_t)count, g[k].sum, power, p->fraction);
    }
}

void ec_group_norm_s8(const ec_group_norm_s8_params *p, const ec_window *in, const ec_window *out,
                      int32_t first, int32_t last, void *scratch)
{
    group *g = (group *)scratch;
    const int32_t shift = p->shift;
    int32_t measured = -1;

    for (int32_t row = first; row < last; row++) {
        const int8_t *x = ec_row_s8(in, row);
        int8_t *y = (int8_t *)ec_row(out, row);

        if (row / p->image_rows != measured) {
            measured = row / p->image_rows;
            measure(p, in, measured, g);
        }
        for (int32_t i = 0; i < p->pixels; i++) {
            const int16_t *gamma = p->gamma;
            const int32_t *beta = p->beta;
            for (int32_t k = 0; k < p->groups; k++) {
                const ec_norm norm = g[k].norm;
                for (int32_t c = 0; c < p->depth; c++) {
                    *y++ = (int8_t)ec_clamp(ec_norm_value(norm, *x++, *gamma++, *beta++, shift), -128, 127);
                }
            }
        }
    }
}
