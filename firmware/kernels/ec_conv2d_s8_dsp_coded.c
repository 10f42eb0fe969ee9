#include "ec_conv2d_s8_dsp_coded.h"

#define EC_CODED ec_conv2d_s8_dsp_coded
#define EC_INNER ec_conv2d_s8_dsp
#define EC_AT(p, o, tile) ((p).table = (const uint32_t *)(void *)(tile))

#include "ec_coded_conv2d.inc"
