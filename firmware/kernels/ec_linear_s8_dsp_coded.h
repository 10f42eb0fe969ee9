/* Linear, int8 to int8, with the DSP extension, with coded weights (ec_coded.h): otherwise as ec_linear_s8_dsp.h has it.
 *
 * Aliasing: output rows may overlap the input row of the same index, beginning and ending no later, and, where rows have
 * one vector, input rows of a block of `rows`: they are then copied to scratch.
 * Scratch: the tables of ec_coded_tables, `room` and `inner` bytes, and `inputs` for each row of a block of several; or,
 * where a row overlaps that of the same index, for each of its vectors.
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
