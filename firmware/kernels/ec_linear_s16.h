/* Linear, int8 to int16: every row of the input holds `vectors` vectors of `inputs`
 * values and gives as many of `outputs` values.
 *
 * weights [outputs][inputs]; bias [outputs] with the input's zero point folded in.
 * Aliasing: an output row may overlap the input row of the same index, beginning and ending no later;
 * its vectors are then copied to scratch one by one.
 * Scratch: none; `inputs` bytes where rows overlap so.
 */
#ifndef EC_LINEAR_S16_H
#define EC_LINEAR_S16_H

#include "edgec.h"

typedef struct {
    int32_t inputs;
    int32_t outputs;
    int32_t vectors;
    int32_t output_zero;
    int32_t lo;
    int32_t hi;
    const int8_t *weights;
    const int32_t *bias;
    const int32_t *multiplier;
    const int8_t *shift;
} ec_linear_s16_params;

void ec_linear_s16(const ec_linear_s16_params *p, const ec_window *in, const ec_window *out,
                  int32_t first, int32_t last, void *scratch);

#endif
