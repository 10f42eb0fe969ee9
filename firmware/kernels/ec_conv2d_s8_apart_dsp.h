/* 2-D convolution, int8 to int8, with the DSP extension and weights that other layers may have, too: shapes, aliasing and scratch
 * are those of ec_conv2d_s8_dsp.h, the tables those of ec_dsp_apart.h. */
#ifndef EC_CONV2D_S8_APART_DSP_H
#define EC_CONV2D_S8_APART_DSP_H

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
    int32_t taps;
    int32_t row_taps;
    int32_t together; /* pixels: 2, or 1 */
    int32_t input_zero;
    int32_t lo;
    int32_t hi;
    int32_t offset; /* twice the zero point of the result, plus 1 */
    const uint32_t *table;
    const uint32_t *ends;
} ec_conv2d_s8_apart_dsp_params;

void ec_conv2d_s8_apart_dsp(const ec_conv2d_s8_apart_dsp_params *p, const ec_window *in, const ec_window *out, int32_t first,
                            int32_t last, void *scratch);

#endif
