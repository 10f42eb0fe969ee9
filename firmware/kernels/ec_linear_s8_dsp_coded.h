/* Linear, int8 to int8, with the DSP extension, with coded weights (ec_coded.h): otherwise as ec_linear_s8_dsp.h has it.
 *
 * together: 1, or vectors that share what is taken apart, up to 32.
 * Aliasing: an output row may overlap the input row of the same index, beginning and ending no later, and of rows of one
 * vector input rows of a block of `together`. Of vectors that are computed together, all are read before the results of the
 * first are written.
 * Scratch: the tables of ec_coded_tables, `room` bytes, and `inner` for what the kernel without codes needs.
 */
#ifndef EC_LINEAR_S8_DSP_CODED_H
#define EC_LINEAR_S8_DSP_CODED_H

#include "ec_coded.h"
#include "ec_linear_s8_dsp.h"

typedef struct {
    ec_linear_s8_dsp_params layer;
    ec_coded coded;
} ec_linear_s8_dsp_coded_params;

void ec_linear_s8_dsp_coded(const ec_linear_s8_dsp_coded_params *p, const ec_window *in, const ec_window *out,
                            int32_t first, int32_t last, void *scratch);

#endif
