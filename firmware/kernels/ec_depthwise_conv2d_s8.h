/* Depthwise 2-D convolution, int8 to int8: input rows of width x channels values, output rows of
 * out_width x out_channels; out_channels is a multiple m of channels, output channel c * m + j.
 *
 * weights [kernel_h][kernel_w][out_channels]; bias [out_channels] with the input's zero point
 * folded in. Rows of several images follow each other.
 * Aliasing: an output value is written when its taps have been read, channels ascending; it must
 * not overlap taps of later pixels or channels.
 * Scratch: 8 bytes for each tap where there are more than 16, else none.
 */
#ifndef EC_DEPTHWISE_CONV2D_S8_H
#define EC_DEPTHWISE_CONV2D_S8_H

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
    const int32_t *bias;
    const int32_t *multiplier;
    const int8_t *shift;
} ec_depthwise_conv2d_s8_params;

void ec_depthwise_conv2d_s8(const ec_depthwise_conv2d_s8_params *p, const ec_window *in,
                            const ec_window *out, int32_t first, int32_t last, void *scratch);

#endif
