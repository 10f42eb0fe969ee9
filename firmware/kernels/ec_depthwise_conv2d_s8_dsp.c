#include "ec_depthwise_conv2d_s8_dsp.h"

#include "ec_dsp_pixel.h"

/* The addresses of a pixel's taps; `zeros` of those outside the image. */
static void find_taps(const ec_depthwise_conv2d_s8_dsp_params *p, const int8_t *const *rows, int32_t x0,
                      const int8_t *zeros, const int8_t **tap)
{
    for (int32_t i = 0; i < p->kernel_h; i++) {
        for (int32_t j = 0; j < p->kernel_w; j++) {
            const int32_t x = x0 + j * p->dilation_w;
            *tap++ = rows[i] != NULL && x >= 0 && x < p->width ? rows[i] + x * p->channels : zeros;
        }
    }
}

void ec_depthwise_conv2d_s8_dsp(const ec_depthwise_conv2d_s8_dsp_params *p, const ec_window *in,
                                const ec_window *out, int32_t first, int32_t last, void *scratch)
{
    const int32_t n = p->kernel_h * p->kernel_w;
    const int32_t extent = (p->kernel_w - 1) * p->dilation_w;
    const int8_t **taps = (const int8_t **)scratch;
    const int8_t **rows = taps + n;
    int8_t *zeros = (int8_t *)(rows + p->kernel_h);
    const int32_t step = p->stride_w * p->channels;
    const ec_dsp_taps all = {taps, p->table, p->channels - 4, p->offset, n / 2, n & 1, p->lo, p->hi, step};
    /* Pixels with all columns of their taps inside the image. */
    const int32_t from = ec_min((p->pad_left + p->stride_w - 1) / p->stride_w, p->out_width);
    const int32_t to = ec_max((p->width - 1 - extent + p->pad_left) / p->stride_w + 1, from);

    memset(zeros, p->input_zero, (size_t)p->channels);
    for (int32_t row = first; row < last; row++) {
        const int32_t top = row / p->out_height * p->height;
        const int32_t y0 = row % p->out_height * p->stride_h - p->pad_top;
        int32_t inside = 1; /* whether all kernel rows are */
        int32_t side_by_side = 1;
        int8_t *y = (int8_t *)ec_row(out, row);

        for (int32_t i = 0; i < p->kernel_h; i++) {
            const int32_t iy = y0 + i * p->dilation_h;
            rows[i] = iy >= 0 && iy < p->height ? ec_row_s8(in, top + iy) : NULL;
            inside &= rows[i] != NULL;
        }
        for (int32_t ox = 0; ox < p->out_width; ox += side_by_side, y += side_by_side * p->channels) {
            side_by_side = inside && ox == from ? ec_max(ec_min(to, p->out_width) - from, 1) : 1;
            find_taps(p, rows, ox * p->stride_w - p->pad_left, zeros, taps);
            ec_dsp_taps_s8(&all, y, side_by_side);
        }
    }
}
