/* Depthwise 2-D convolution of ec_depthwise_dsp.h, with a byte a weight in its table. */
#ifndef EC_DEPTHWISE_CONV2D_S8_DENSE_DSP_H
#define EC_DEPTHWISE_CONV2D_S8_DENSE_DSP_H

#include "ec_depthwise_dsp.h"

typedef ec_depthwise_dsp_params ec_depthwise_conv2d_s8_dense_dsp_params;

void ec_depthwise_conv2d_s8_dense_dsp(const ec_depthwise_conv2d_s8_dense_dsp_params *p, const ec_window *in,
                                      const ec_window *out, int32_t first, int32_t last, void *scratch);

#endif
