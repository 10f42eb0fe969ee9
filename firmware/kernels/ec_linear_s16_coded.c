#include "ec_linear_s16_coded.h"

#define EC_CODED ec_linear_s16_coded
#define EC_INNER ec_linear_s16
#define EC_BYTES(p) 2
#define EC_AT(p, o, tile) ((p).weights = (const int8_t *)(tile), (p).bias += (o), (p).multiplier += (o), (p).shift += (o))

#include "ec_coded_linear.inc"
