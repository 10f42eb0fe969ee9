/* Linear, int8 to int16, with the DSP extension: every row of the input holds `vectors` vectors of `inputs` values
 * and gives as many of `outputs` values.
 *
 * table: as ec_dsp_layer.h has it, for `padded` inputs, a multiple of 4; the input's zero point is folded into
 * the bias.
 * Aliasing: an output row may overlap the input row of the same index, beginning and ending no later. Of rows that
 * are computed in one call, two vectors are read before the results of the first are written.
 * pairs: not 0 where vectors are computed two at a time. Scratch: 4 * padded + 8 bytes then, else none; `padded` bytes
 * in any case where rows overlap or inputs is no multiple of 4.
 */
#ifndef EC_LINEAR_S16_DSP_H
#define EC_LINEAR_S16_DSP_H

#include "edgec.h"

typedef struct {
    int32_t inputs;
    int32_t outputs;
    int32_t vectors;
    int32_t padded;
    int32_t pairs;
    int32_t lo;
    int32_t hi;
    const uint32_t *table;
} ec_linear_s16_dsp_params;

void ec_linear_s16_dsp(const ec_linear_s16_dsp_params *p, const ec_window *in, const ec_window *out, int32_t first, int32_t last,
         void *scratch);

#endif
