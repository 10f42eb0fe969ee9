#include "ec_linear_s8_apart_dsp.h"

#include "ec_dsp_apart.h"

#define EC_ENDS_APART
#define EC_LINEAR ec_linear_s8_apart_dsp
#define EC_PARAMS ec_linear_s8_apart_dsp_params
#define EC_RESULT int8_t
#define EC_PAIR ec_dsp_apart_pair_s8
#define EC_SINGLE ec_dsp_apart_single_s8

#include "ec_linear_dsp.inc"
