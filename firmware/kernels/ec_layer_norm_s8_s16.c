#include "ec_layer_norm_s8_s16.h"

EC_NORM_FOURS(int8_t, int16_t, -32768, 32767)

void ec_layer_norm_s8_s16(const ec_layer_norm_s8_s16_params *p, const ec_window *in, const ec_window *out,
                          int32_t first, int32_t last, void *scratch)
{
    EC_LAYER_NORM(int8_t, int16_t, ec_sums_s8, -32768, 32767)
}
