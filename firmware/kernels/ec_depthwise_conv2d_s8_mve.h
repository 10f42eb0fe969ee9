/* Depthwise 2-D convolution, int8 to int8, for Helium: input rows of width x channels values, output rows of
 * out_width x channels.
 *
 * Channels are computed in blocks of eight; the last block's tables are padded. weights
 * [blocks][kernel_h * kernel_w][8], those of two taps one behind the other never larger than 255 together;
 * ends [blocks][3][8]: biases, with the input's zero point folded in, multipliers and shifts, none positive. Of
 * these, channels 0, 2, 4, 6 of a block come before 1, 3, 5, 7. Rows of several images follow each other.
 * Aliasing: eight output values are written when their taps have been read, channels ascending; they must
 * not overlap taps of later pixels or channels.
 * Scratch: `channels` bytes, rounded up to 8; behind them 8 bytes for each tap and each row of the
 * kernel where there are more than 16 taps.
 */
#ifndef EC_DEPTHWISE_CONV2D_S8_MVE_H
#define EC_DEPTHWISE_CONV2D_S8_MVE_H

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
    int32_t input_zero;
    int32_t output_zero;
    int32_t lo;
    int32_t hi;
    const int8_t *weights;
    const int32_t *ends;
} ec_depthwise_conv2d_s8_mve_params;

void ec_depthwise_conv2d_s8_mve(const ec_depthwise_conv2d_s8_mve_params *p, const ec_window *in,
                                const ec_window *out, int32_t first, int32_t last, void *scratch);

#endif
