#include "ec_linear_dotprod_coded.h"

#define EC_CODED ec_linear_dotprod_coded
#define EC_INNER ec_linear_dotprod
#define EC_BYTES(p) (1 << (p)->wide)
#define EC_AT(p, o, tile) ((p).weights = (const int8_t *)(tile), (p).bias += (o), (p).multiplier += (o), (p).shift += (o))

#include "ec_coded_linear.inc"
