/* Average pooling, int8 to int8: input rows of width x channels values, output rows of out_width x
 * channels. Taps outside the image do not count; with include_pad they count as pad_value.
 * Aliasing: an output value is written when its taps have been read, channels ascending; it must
 * not overlap taps of later values.
 */
#ifndef EC_AVG_POOL2D_S8_H
#define EC_AVG_POOL2D_S8_H

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
    int32_t include_pad;
    int32_t pad_value;
    int32_t lo;
    int32_t hi;
} ec_avg_pool2d_s8_params;

void ec_avg_pool2d_s8(const ec_avg_pool2d_s8_params *p, const ec_window *in, const ec_window *out,
                      int32_t first, int32_t last, void *scratch);

#endif
