#include "ec_linear_mve_coded.h"

#define EC_CODED ec_linear_mve_coded
#define EC_INNER ec_linear_mve
#define EC_BYTES(p) (1 << (p)->wide)
#define EC_AT(p, o, tile) ((p).weights = (const int8_t *)(tile), (p).ends += 3 * (o))

#include "ec_coded_linear.inc"
