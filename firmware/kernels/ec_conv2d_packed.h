/* 2-D convolution of one group with packed weights (ec_gemm.h), int8 to int8: input rows of width x channels
 * values, output rows of out_width x out_channels.
 *
 * The inputs of an output are its taps [kernel_h][kernel_w][channels], `packed` their number rounded up to 16;
 * bias with the input's zero point folded in. Rows of several images follow each other.
 * Aliasing: output pixels are written, up to 8 at a time, after their taps have been gathered and may overlap
 * them; they must not overlap taps of later pixels.
 * direct: not 0 where the taps of every pixel lie side by side in one row, all of them inside the image.
 * Scratch: 8 * packed bytes.
 */
#ifndef EC_CONV2D_PACKED_H
#define EC_CONV2D_PACKED_H

#include "edgec.h"

typedef struct {
    int32_t height;
    int32_t width;
    int32_t channels;
    int32_t out_height;
    int32_t out_width;
    int32_t out_channels;
    int32_t outputs; /* channels to compute, from the first on */
    int32_t kernel_h;
    int32_t kernel_w;
    int32_t stride_h;
    int32_t stride_w;
    int32_t pad_top;
    int32_t pad_left;
    int32_t dilation_h;
    int32_t dilation_w;
    int32_t direct;
    int32_t packed;
    int32_t input_zero;
    int32_t output_zero;
    int32_t lo;
    int32_t hi;
    const int8_t *weights;
    const int32_t *bias;
    const int32_t *multiplier;
    const int32_t *shift;
} ec_conv2d_packed;

#ifdef EC_GEMM_DEPTH
#include "ec_gemm.h"

/* The taps of one kernel row where some lie outside the image or they are dilated; src is NULL above and below
 * the image. */
static inline void ec_conv2d_gather_edge(const ec_conv2d_packed *p, const int8_t *src, int32_t x0, int8_t *to)
{
    const int32_t c = p->channels;

    for (int32_t k = 0; k < p->kernel_w; k++, to += c) {
        const int32_t x = x0 + k * p->dilation_w;
        if (src != NULL && x >= 0 && x < p->width) {
            ec_copy(to, src + x * c, c);
        } else {
            memset(to, p->input_zero, (size_t)c);
        }
    }
}

/* The taps of n pixels from `ox` on, kernel row by kernel row. */
static inline void ec_conv2d_gather(const ec_conv2d_packed *p, const ec_window *in, int32_t image, int32_t y0,
                                    int32_t ox, int32_t n, int8_t *tile)
{
    const int32_t c = p->channels;
    const int32_t bytes = p->kernel_w * c;
    const int32_t pitch = p->packed;
    const int32_t stride = p->stride_w;
    const int32_t last = p->dilation_w == 1 ? p->width - p->kernel_w : -1; /* where the last inner pixel begins */

    for (int32_t k = 0; k < p->kernel_h; k++, tile += bytes) {
        const int32_t y = y0 + k * p->dilation_h;
        const int8_t *src = y >= 0 && y < p->height ? ec_row_s8(in, image * p->height + y) : NULL;
        const int32_t inner = src != NULL ? last : -1;
        int32_t x0 = ox * stride - p->pad_left;
        int8_t *to = tile;
        for (int32_t i = 0; i < n; i++, x0 += stride, to += pitch) {
            if (x0 >= 0 && x0 <= inner) {
                ec_copy(to, src + x0 * c, bytes);
            } else {
                ec_conv2d_gather_edge(p, src, x0, to);
            }
        }
    }
}

static inline void ec_conv2d_rows(const ec_conv2d_packed *p, const ec_window *in, const ec_window *out, int32_t first,
                                  int32_t last, void *scratch)
{
    const int32_t taps = p->kernel_h * p->kernel_w * p->channels;
    const int32_t step = p->stride_w * p->channels;
    const ec_gemm m = {p->packed, p->outputs, 0,       p->output_zero, p->lo,
                       p->hi,     p->weights, p->bias, p->multiplier,  p->shift};
    int8_t *tile = (int8_t *)scratch;

    ec_gemm_clear(&m, tile, taps);
    for (int32_t row = first; row < last; row++) {
        const int32_t image = row / p->out_height;
        const int32_t y0 = row % p->out_height * p->stride_h - p->pad_top;
        int8_t *y = (int8_t *)ec_row(out, row);

        if (p->direct && taps == p->packed) {
            const int8_t *x = ec_row_s8(in, image * p->height + y0);
            if (!ec_overlaps(x, p->width * p->channels, y, p->out_width * p->out_channels)) {
                ec_gemm_run(&m, x, step, p->out_width, y, p->out_channels);
                continue;
            }
        }
        for (int32_t ox = 0; ox < p->out_width; ox += EC_TILE) {
            const int32_t n = ec_min(EC_TILE, p->out_width - ox);
            ec_conv2d_gather(p, in, image, y0, ox, n, tile);
            ec_gemm_run(&m, tile, p->packed, n, y + ox * p->out_channels, p->out_channels);
        }
    }
}
#endif

#endif
