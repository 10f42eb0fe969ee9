#include "ec_conv2d_s8_int4_dsp.h"

#include "ec_dsp_int4.h"

#define EC_CONV2D ec_conv2d_s8_int4_dsp
#define EC_PARAMS ec_conv2d_s8_int4_dsp_params
#define EC_PER_WORD 8
#define EC_PAIR ec_dsp_int4_pair_s8
#define EC_SINGLE ec_dsp_int4_single_s8

#include "ec_conv2d_dsp.inc"
