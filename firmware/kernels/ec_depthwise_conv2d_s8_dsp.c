#include "ec_depthwise_conv2d_s8_dsp.h"

#include "ec_dsp_pixel.h"

#define EC_DEPTHWISE ec_depthwise_conv2d_s8_dsp
#define EC_TAPS ec_dsp_taps_s8

#include "ec_depthwise_dsp.inc"
