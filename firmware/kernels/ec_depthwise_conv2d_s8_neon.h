/* Depthwise 2-D convolution for Advanced SIMD, int8 to int8: input rows of width x channels values, output rows
 * of out_width x channels; one output channel for each input channel, 16 of them at a time.
 *
 * weights [kernel_h][kernel_w][channels], none of them -128: two products are added in 16 bits. bias [channels]
 * with the input's zero point folded in. Rows of several images follow each other.
 * Aliasing: where a row is one pixel wide, 16 values are written when their taps have been read, channels
 * ascending; they must not overlap taps of later channels.
 * Scratch: 8 bytes for each tap of each pixel of a row, and `channels` bytes.
 */
#ifndef EC_DEPTHWISE_CONV2D_S8_NEON_H
#define EC_DEPTHWISE_CONV2D_S8_NEON_H

#include "edgec.h"

typedef struct {
    int32_t height;
    int32_t width;
    int32_t channels;
    int32_t out_height;
    int32_t out_width;
    int32_t kernel_h;
    int32_t kernel_w;
    int32_t stride_h;
    int32_t stride_w;
    int32_t pad_top;
    int32_t pad_left;
    int32_t dilation_h;
    int32_t dilation_w;
    int32_t input_zero;
    int32_t output_zero;
    int32_t lo;
    int32_t hi;
    const int8_t *weights;
    const int32_t *bias;
    const int32_t *multiplier;
    const int32_t *shift;
} ec_depthwise_conv2d_s8_neon_params;

void ec_depthwise_conv2d_s8_neon(const ec_depthwise_conv2d_s8_neon_params *p, const ec_window *in,
                                 const ec_window *out, int32_t first, int32_t last, void *scratch);

#endif
