#include "ec_linear_s16_dsp_lookup.h"

#include "ec_dsp_layer.h"

#define EC_LINEAR ec_linear_s16_dsp_lookup
#define EC_RESULT int16_t

#include "ec_linear_lookup_dsp.inc"
