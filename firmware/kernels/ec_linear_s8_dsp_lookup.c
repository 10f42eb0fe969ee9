#include "ec_linear_s8_dsp_lookup.h"

#include "ec_dsp_layer.h"

#define EC_LINEAR ec_linear_s8_dsp_lookup
#define EC_RESULT int8_t

#include "ec_linear_lookup_dsp.inc"
