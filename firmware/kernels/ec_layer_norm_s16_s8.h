/* Layer norm, int16 to int8: rows of `vectors` vectors of `channels` values, each normalized.
 *
 * gamma, beta [channels]; at most 32767 channels.
 * Aliasing: an output row may lie over the input row of the same index as long as it ends no
 * later, never over a later one.
 * Scratch: none.
 */
#ifndef EC_LAYER_NORM_S16_S8_H
#define EC_LAYER_NORM_S16_S8_H

#include "ec_layer_norm.h"

typedef ec_layer_norm ec_layer_norm_s16_s8_params;

void ec_layer_norm_s16_s8(const ec_layer_norm_s16_s8_params *p, const ec_window *in, const ec_window *out,
                          int32_t first, int32_t last, void *scratch);

#endif
