/* Linear, int8 to int16, with the DSP extension, for rows of one vector with coded weights: parameters, aliasing and scratch
 * are those of ec_linear_s8_dsp_lookup.h. */
#ifndef EC_LINEAR_S16_DSP_LOOKUP_H
#define EC_LINEAR_S16_DSP_LOOKUP_H

#include "ec_linear_s8_dsp_lookup.h"

typedef ec_linear_s8_dsp_lookup_params ec_linear_s16_dsp_lookup_params;

void ec_linear_s16_dsp_lookup(const ec_linear_s16_dsp_lookup_params *p, const ec_window *in, const ec_window *out, int32_t first,
                              int32_t last, void *scratch);

#endif
