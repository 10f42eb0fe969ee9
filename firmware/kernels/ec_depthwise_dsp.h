/* Depthwise 2-D convolution, int8 to int8, with the DSP extension, whatever the form of its weights: input rows of
 * width x channels values, output rows of out_width x channels, 4 at least.
 *
 * table: as ec_dsp_pixel.h has it, taps in the order [kernel_h][kernel_w]; the input's zero point is folded
 * into the bias. Rows of several images follow each other.
 * Aliasing: four output values are written when their taps have been read, channels ascending; they must not
 * overlap taps of later pixels or channels. Where channels is no multiple of 4, a pixel must not overlap its taps.
 * Scratch: an address for each tap and each kernel row, and `channels` bytes behind them.
 */
#ifndef EC_DEPTHWISE_DSP_H
#define EC_DEPTHWISE_DSP_H

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
    int32_t offset; /* twice the zero point of the result, plus 1 */
    const uint32_t *table;
} ec_depthwise_dsp_params;

#endif
