/* Linear, int8 to int8, with the DSP extension, for rows of one vector with coded weights: ec_lookup.h has how.
 *
 * inputs: of a vector. The input's zero point is folded into the biases in `ends`.
 * Aliasing: an output row may overlap the input row of the same index.
 * Scratch: ec_lookup_table, and 2 * padded bytes.
 */
#ifndef EC_LINEAR_S8_DSP_LOOKUP_H
#define EC_LINEAR_S8_DSP_LOOKUP_H

#include "ec_lookup.h"

typedef struct {
    int32_t inputs;
    int32_t outputs;
    int32_t lo;
    int32_t hi;
    int32_t offset; /* twice the zero point of the result, plus 1 */
    ec_lookup lookup;
} ec_linear_s8_dsp_lookup_params;

void ec_linear_s8_dsp_lookup(const ec_linear_s8_dsp_lookup_params *p, const ec_window *in, const ec_window *out,
                             int32_t first, int32_t last, void *scratch);

#endif
