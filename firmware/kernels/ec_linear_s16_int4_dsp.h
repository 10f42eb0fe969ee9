/* Linear, int8 to int16, with the DSP extension and weights of int4: shapes, aliasing and scratch are those of
 * ec_linear_s16_dsp.h, the table is that of ec_dsp_int4.h. */
#ifndef EC_LINEAR_S16_INT4_DSP_H
#define EC_LINEAR_S16_INT4_DSP_H

#include "ec_linear_s16_dsp.h"

typedef ec_linear_s16_dsp_params ec_linear_s16_int4_dsp_params;

void ec_linear_s16_int4_dsp(const ec_linear_s16_int4_dsp_params *p, const ec_window *in, const ec_window *out, int32_t first,
                            int32_t last, void *scratch);

#endif
