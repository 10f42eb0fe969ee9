#include "ec_layer_norm_s16_s8.h"

EC_NORM_FOURS(int16_t, int8_t, -128, 127)

void ec_layer_norm_s16_s8(const ec_layer_norm_s16_s8_params *p, const ec_window *in, const ec_window *out,
                          int32_t first, int32_t last, void *scratch)
{
    EC_LAYER_NORM(int16_t, int8_t, ec_sums_s16, -128, 127)
}
