/* Linear, int8 to int16, with the DSP extension and weights that other layers may have, too: shapes, aliasing and scratch
 * are those of ec_linear_s16_dsp.h, the tables those of ec_dsp_apart.h. */
#ifndef EC_LINEAR_S16_APART_DSP_H
#define EC_LINEAR_S16_APART_DSP_H

#include "edgec.h"

typedef struct {
    int32_t inputs;
    int32_t outputs;
    int32_t vectors;
    int32_t padded;
    int32_t together;
    int32_t lo;
    int32_t hi;
    int32_t offset; /* twice the zero point of the result, plus 1 */
    const uint32_t *table;
    const uint32_t *ends;
} ec_linear_s16_apart_dsp_params;

void ec_linear_s16_apart_dsp(const ec_linear_s16_apart_dsp_params *p, const ec_window *in, const ec_window *out, int32_t first,
                             int32_t last, void *scratch);

#endif
