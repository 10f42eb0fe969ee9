#include "ec_conv2d_s8_mve_coded.h"

#define EC_CODED ec_conv2d_s8_mve_coded
#define EC_INNER ec_conv2d_s8_mve
#define EC_AT(p, o, tile) ((p).weights = (const int8_t *)(tile), (p).ends += 3 * (o))

#include "ec_coded_conv2d.inc"
