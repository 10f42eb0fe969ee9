/* 2-D convolution, int8 to int8, with the DSP extension and weights of int4: shapes, aliasing and scratch are those of
 * ec_conv2d_s8_dsp.h, the table is that of ec_dsp_int4.h. */
#ifndef EC_CONV2D_S8_INT4_DSP_H
#define EC_CONV2D_S8_INT4_DSP_H

#include "ec_conv2d_s8_dsp.h"

typedef ec_conv2d_s8_dsp_params ec_conv2d_s8_int4_dsp_params;

void ec_conv2d_s8_int4_dsp(const ec_conv2d_s8_int4_dsp_params *p, const ec_window *in, const ec_window *out, int32_t first,
                           int32_t last, void *scratch);

#endif
