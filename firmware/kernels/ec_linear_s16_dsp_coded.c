#include "ec_linear_s16_dsp_coded.h"

#define EC_CODED ec_linear_s16_dsp_coded
#define EC_INNER ec_linear_s16_dsp
#define EC_BYTES(p) 2
#define EC_AT(p, o, tile) ((p).table = (const uint32_t *)(void *)(tile))

#include "ec_coded_linear.inc"
