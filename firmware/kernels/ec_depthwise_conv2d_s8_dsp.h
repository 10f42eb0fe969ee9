/* Depthwise 2-D convolution, int8 to int8, with the DSP extension: input rows of width x channels values, output
 * rows of out_width x channels; channels is a multiple of 4.
 *
 * weights: per four channels, for two taps after the other in the order [kernel_h][kernel_w], words for channels
 * 0, 1, 2 and 3 with the earlier tap's weight in the lower halfword; of an odd number of taps the last has words
 * for channels 0 and 2, and 1 and 3. finish: per four channels, four times twice the bias (the input's zero point
 * folded in), and then mantissa, offset and shift of ec_finish. Rows of several images follow each other.
 * Aliasing: four output values are written when their taps have been read, channels ascending; they must not
 * overlap taps of later pixels or channels.
 * Scratch: an address for each tap and each kernel row, and `channels` bytes behind them.
 */
#ifndef EC_DEPTHWISE_CONV2D_S8_DSP_H
#define EC_DEPTHWISE_CONV2D_S8_DSP_H

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
    int32_t lo;
    int32_t hi;
    const uint32_t *weights;
    const int32_t *finish;
} ec_depthwise_conv2d_s8_dsp_params;

void ec_depthwise_conv2d_s8_dsp(const ec_depthwise_conv2d_s8_dsp_params *p, const ec_window *in,
                                const ec_window *out, int32_t first, int32_t last, void *scratch);

#endif
