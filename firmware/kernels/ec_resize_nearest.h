/* Nearest-neighbour resizing: output pixel (i, j) is input pixel (lines[i], columns[j]).
 *
 * lines [out_height], columns [out_width]; a pixel has `pixel` bytes. Rows of several images
 * follow each other.
 * Aliasing: none. Scratch: none.
 */
#ifndef EC_RESIZE_NEAREST_H
#define EC_RESIZE_NEAREST_H

#include "edgec.h"

typedef struct {
    int32_t height;
    int32_t out_height;
    int32_t out_width;
    int32_t pixel;
    const int32_t *lines;
    const int32_t *columns;
} ec_resize_nearest_params;

void ec_resize_nearest(const ec_resize_nearest_params *p, const ec_window *in, const ec_window *out,
                       int32_t first, int32_t last, void *scratch);

#endif
