/* 2-D convolution, int8 to int8, with the DSP extension: input rows of width x channels values, output rows of
 * out_width x out_channels. One group, not dilated along the rows.
 *
 * table: as ec_dsp_layer.h has it, for `taps` taps in the order [kernel_h][kernel_w][channels]. row_taps: those of a
 * kernel row, with what fills them up to a multiple of 4; 0 where only all taps together are filled up. The input's
 * zero point is folded into the bias. Rows of several images follow each other.
 * Aliasing: output pixels are written, as many as are computed together, after their taps have been gathered and
 * may overlap them; they must not overlap taps of later pixels.
 * Scratch: an address for each kernel row and pixel. Besides, for one pixel `taps` bytes; for two 4 * taps + 8, and
 * row_taps, or `taps` where that is 0.
 */
#ifndef EC_CONV2D_S8_DSP_H
#define EC_CONV2D_S8_DSP_H

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
} ec_conv2d_s8_dsp_params;

void ec_conv2d_s8_dsp(const ec_conv2d_s8_dsp_params *p, const ec_window *in, const ec_window *out, int32_t first,
                      int32_t last, void *scratch);

#endif
