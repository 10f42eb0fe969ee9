#include "ec_conv2d_s8_coded.h"

#define EC_CODED ec_conv2d_s8_coded
#define EC_INNER ec_conv2d_s8
#define EC_AT(p, o, tile) ((p).weights = (const int8_t *)(tile), (p).bias += (o), (p).multiplier += (o), (p).shift += (o))

#include "ec_coded_conv2d.inc"
