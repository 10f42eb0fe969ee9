/* Linear, int8 to int8, with the DSP extension: every row of the input holds `vectors` vectors of `inputs` values
 * and gives as many of `outputs` values.
 *
 * table: as ec_dsp_layer.h has it, for `padded` inputs, a multiple of 4; the input's zero point is folded into
 * the bias.
 * together: vectors that are computed in one pass over the table, 1 or an even number up to 32; inputs is 4 at least
 * where it is not 1.
 * Aliasing: an output row may overlap the input row of the same index, beginning and ending no later. Of vectors
 * that are computed together, all are read before the results of the first are written.
 * Scratch: 2 * padded + 4 bytes for each of them; for a single one none, or `padded` bytes where rows overlap or inputs
 * is no multiple of 4.
 */
#ifndef EC_LINEAR_S8_DSP_H
#define EC_LINEAR_S8_DSP_H

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
} ec_linear_s8_dsp_params;

void ec_linear_s8_dsp(const ec_linear_s8_dsp_params *p, const ec_window *in, const ec_window *out, int32_t first, int32_t last,
         void *scratch);

#endif
