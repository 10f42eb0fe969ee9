/* 2-D convolution, int8 to int8: input rows of width x channels values, output rows of
 * out_width x out_channels.
 *
 * weights [out_channels][kernel_h][kernel_w][channels / groups]; bias [out_channels] with the
 * input's zero point folded in. Rows of several images follow each other.
 * Aliasing: an output pixel is written after its taps have been gathered and may overlap them;
 * it must not overlap taps of later pixels.
 * direct: not 0 where there is one group, and the taps of every pixel lie side by side in one row: a kernel
 * of one row, not dilated, that never leaves the image.
 * Scratch: the taps of one pixel, kernel_h * kernel_w * channels bytes; where direct, only if rows overlap.
 */
#ifndef EC_CONV2D_S8_H
#define EC_CONV2D_S8_H

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
    int32_t groups;
    int32_t direct;
    int32_t input_zero;
    int32_t output_zero;
    int32_t lo;
    int32_t hi;
    const int8_t *weights;
    const int32_t *bias;
    const int32_t *multiplier;
    const int8_t *shift;
} ec_conv2d_s8_params;

void ec_conv2d_s8(const ec_conv2d_s8_params *p, const ec_window *in, const ec_window *out, int32_t first,
                  int32_t last, void *scratch);

#endif
