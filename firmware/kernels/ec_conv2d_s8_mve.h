/* 2-D convolution, int8 to int8, for Helium: input rows of width x channels values, output rows of
 * out_width x out_channels. One group.
 *
 * weights [out_channels][kernel_h][kernel_w][channels]; ends [out_channels / 4, rounded up][3][4]: of four
 * channels the biases, with the input's zero point folded in, the multipliers and the shifts, none positive.
 * Rows of several images follow each other.
 * Aliasing: two output pixels at a time are written after their taps have been gathered and may overlap
 * them; they must not overlap taps of later pixels.
 * direct: not 0 where the taps of every pixel lie side by side in one row: a kernel of one row, not dilated,
 * that never leaves the image.
 * Scratch: the taps of two pixels, or of one where a row has no more, kernel_h * kernel_w * channels bytes
 * each; where direct, only if rows overlap. Behind those of two, where a kernel has more than 16 rows, 8 bytes
 * for each.
 */
#ifndef EC_CONV2D_S8_MVE_H
#define EC_CONV2D_S8_MVE_H

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
    int32_t direct;
    int32_t input_zero;
    int32_t output_zero;
    int32_t lo;
    int32_t hi;
    const int8_t *weights;
    const int32_t *ends;
} ec_conv2d_s8_mve_params;

void ec_conv2d_s8_mve(const ec_conv2d_s8_mve_params *p, const ec_window *in, const ec_window *out,
                      int32_t first, int32_t last, void *scratch);

#endif
