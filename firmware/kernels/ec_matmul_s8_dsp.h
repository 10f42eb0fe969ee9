/* Product of two int8 activations with the DSP extension: ec_matmul_s8.h's results, for two vectors of a at a time.
 *
 * As there, with these differences: form is 0, where a's vectors are contiguous along k, too, or 1, and an output
 * row is one vector of y.
 * Aliasing: as there.
 * Scratch: 8 * depth bytes, the depth rounded up to a multiple of 4, but at least as much as there.
 */
#ifndef EC_MATMUL_S8_DSP_H
#define EC_MATMUL_S8_DSP_H

#include "ec_matmul_s8.h"

typedef ec_matmul_s8_params ec_matmul_s8_dsp_params;

void ec_matmul_s8_dsp(const ec_matmul_s8_dsp_params *p, const ec_window *in, const ec_window *out,
                      int32_t first, int32_t last, void *scratch);

#endif
