/* Transposed 2-D convolution, int8: every output pixel gathers the input pixels that reach it.
 *
 * weights [kernel_h][kernel_w][out_channels][channels / groups], bias [out_channels]. Output
 * (y, x) takes tap (i, j) of input ((y + pad_top - i * dilation_h) / stride_h, ..) where that is
 * whole and inside the image.
 * Aliasing: none.
 * Scratch: 4 * out_channels, and 4 * out_channels + 2 * channels by the group, bytes.
 */
#ifndef EC_CONV_TRANSPOSE2D_S8_H
#define EC_CONV_TRANSPOSE2D_S8_H

#include "edgec.h"

typedef struct {
    int32_t height;
    int32_t width;
    int32_t channels;
    int32_t out_height;
    int32_t out_width;
    int32_t out_channels;
    int32_t kernel_h;
    int32_t kernel_w;
    int32_t stride_h;
    int32_t stride_w;
    int32_t pad_top;
    int32_t pad_left;
    int32_t dilation_h;
    int32_t dilation_w;
    int32_t groups;
    int32_t input_zero;
    int32_t output_zero;
    int32_t lo;
    int32_t hi;
    const int8_t *weights;
    const int32_t *bias;
    const int32_t *multiplier;
    const int8_t *shift;
} ec_conv_transpose2d_s8_params;

void ec_conv_transpose2d_s8(const ec_conv_transpose2d_s8_params *p, const ec_window *in, const ec_window *out,
                            int32_t first, int32_t last, void *scratch);

#endif
