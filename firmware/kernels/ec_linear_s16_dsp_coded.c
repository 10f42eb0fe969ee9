#include "ec_linear_s16_dsp_coded.h"

#include "ec_dsp_layer.h"

#define EC_LINEAR ec_linear_s16_dsp_coded
#define EC_PARAMS ec_linear_s16_dsp_coded_params
#define EC_CODED_LAYER ec_linear_s16_dsp_params
#define EC_RESULT int16_t
#define EC_PAIR ec_dsp_pair_s16
#define EC_SINGLE ec_dsp_single_s16

#include "ec_linear_dsp.inc"
