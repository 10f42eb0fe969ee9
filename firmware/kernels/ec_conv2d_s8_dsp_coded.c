#include "ec_conv2d_s8_dsp_coded.h"

#include "ec_dsp_layer.h"

#define EC_CONV2D ec_conv2d_s8_dsp_coded
#define EC_PARAMS ec_conv2d_s8_dsp_coded_params
#define EC_CODED_LAYER ec_conv2d_s8_dsp_params
#define EC_PAIR ec_dsp_pair_s8
#define EC_SINGLE ec_dsp_single_s8

#include "ec_conv2d_dsp.inc"
