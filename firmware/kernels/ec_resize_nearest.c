#include "ec_resize_nearest.h"

void ec_resize_nearest(const ec_resize_nearest_params *p, const ec_window *in, const ec_window *out,
                       int32_t first, int32_t last, void *scratch)
{
    (void)scratch;
    for (int32_t row = first; row < last; row++) {
        const int32_t line = row / p->out_height * p->height + p->lines[row % p->out_height];
        const int8_t *x = ec_row_s8(in, line);
        int8_t *y = (int8_t *)ec_row(out, row);

        for (int32_t j = 0; j < p->out_width; j++, y += p->pixel) {
            memcpy(y, x + p->columns[j] * p->pixel, (size_t)p->pixel);
        }
    }
}
