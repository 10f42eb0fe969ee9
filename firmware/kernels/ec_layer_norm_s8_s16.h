/* Layer norm, int8 to int16: rows of `vectors` vectors of `channels` values, each normalized.
 *
 * gamma, beta [channels]; at most 32767 channels.
 * Aliasing: an output row may lie over the input row of the same index as long as it ends no
 * later, never over a later one.
 * Scratch: none.
 */
#ifndef EC_LAYER_NORM_S8_S16_H
#define EC_LAYER_NORM_S8_S16_H

#include "ec_layer_norm.h"

typedef ec_layer_norm ec_layer_norm_s8_s16_params;

void ec_layer_norm_s8_s16(const ec_layer_norm_s8_s16_params *p, const ec_window *in, const ec_window *out,
                          int32_t first, int32_t last, void *scratch);

#endif
