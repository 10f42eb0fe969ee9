#include "ec_max_pool2d_s8.h"

#include "ec_pool2d.h"

void ec_max_pool2d_s8(const ec_max_pool2d_s8_params *p, const ec_window *in, const ec_window *out,
                      int32_t first, int32_t last, void *scratch)
{
    const int32_t c = p->channels;
    const int32_t step = p->dilation_w * c;

    (void)scratch;
    for (int32_t row = first; row < last; row++) {
        const int32_t top = row / p->out_height * p->height; /* row 0 of this image */
        const int32_t y0 = row % p->out_height * p->stride_h - p->pad_top;
        const int32_t ky0 = ec_tap_first(y0, p->dilation_h);
        const int32_t kye = ec_tap_end(y0, p->dilation_h, p->kernel_h, p->height, ky0);
        int8_t *y = (int8_t *)ec_row(out, row);

        for (int32_t ox = 0; ox < p->out_width; ox++) {
            const int32_t x0 = ox * p->stride_w - p->pad_left;
            const int32_t kx0 = ec_tap_first(x0, p->dilation_w);
            const int32_t kxe = ec_tap_end(x0, p->dilation_w, p->kernel_w, p->width, kx0);
            for (int32_t k = 0; k < c; k++) {
                int32_t most = INT8_MIN;
                for (int32_t ky = ky0; ky < kye; ky++) {
                    const int8_t *x = ec_row_s8(in, top + y0 + ky * p->dilation_h);
                    x += (x0 + kx0 * p->dilation_w) * c + k;
                    for (int32_t kx = kx0; kx < kxe; kx++, x += step) {
                        most = ec_max(most, *x);
                    }
                }
                *y++ = (int8_t)ec_clamp(most, p->lo, p->hi);
            }
        }
    }
}
