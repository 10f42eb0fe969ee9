#include "ec_linear_s16_parts_dsp.h"

#include "ec_dsp_layer.h"

#define EC_LOAD ec_linear_s16_parts_dsp_load
#define EC_PART ec_linear_s16_parts_dsp
#define EC_PARAMS ec_linear_s16_dsp_params
#define EC_RESULT int16_t
#define EC_PAIR ec_dsp_pair_s16
#define EC_SINGLE ec_dsp_single_s16

#include "ec_linear_parts_dsp.inc"
