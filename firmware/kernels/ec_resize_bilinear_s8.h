/* Bilinear resize of images, int8, in steps of 1/1024 of a pixel.
 *
 * Rows are lines of `width` (in) and `out_width` (out) pixels of `channels` values. Output line
 * or column i is at (i * scale + offset) / 1024 of the input, or at its first or last pixel where
 * that is outside.
 * Aliasing: none. Scratch: none.
 */
#ifndef EC_RESIZE_BILINEAR_S8_H
#define EC_RESIZE_BILINEAR_S8_H

#include "edgec.h"

typedef struct {
    int32_t height;
    int32_t width;
    int32_t channels;
    int32_t out_height;
    int32_t out_width;
    int32_t scale_y;
    int32_t scale_x;
    int32_t offset_y;
    int32_t offset_x;
} ec_resize_bilinear_s8_params;

void ec_resize_bilinear_s8(const ec_resize_bilinear_s8_params *p, const ec_window *in, const ec_window *out,
                           int32_t first, int32_t last, void *scratch);

#endif
