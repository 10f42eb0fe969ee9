/* Group norm, int8: the channels of every image in `groups` groups, each normalized over all its
 * pixels. As many groups as channels is instance norm.
 *
 * Rows are `pixels` pixels of `groups` * `depth` channels, `image_rows` rows an image; all rows
 * of the image are read twice. gamma, beta [groups * depth]. Fewer than 2^23 values a group.
 * Aliasing: none.
 * Scratch: 32 * groups bytes.
 */
#ifndef EC_GROUP_NORM_S8_H
#define EC_GROUP_NORM_S8_H

#include "edgec.h"

typedef struct {
    int64_t epsilon; /* in units of the squared number of values a group and the squared input scale */
    int32_t image_rows;
    int32_t pixels;
    int32_t groups;
    int32_t depth;
    int32_t fraction;
    int32_t shift;
    const int16_t *gamma;
    const int32_t *beta; /* with the output's zero point and half of 2^shift */
} ec_group_norm_s8_params;

void ec_group_norm_s8(const ec_group_norm_s8_params *p, const ec_window *in, const ec_window *out,
                      int32_t first, int32_t last, void *scratch);

#endif
