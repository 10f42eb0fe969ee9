/* Linear, int8 to int8 or (wide) int16, for Helium: every row of the input holds `vectors` vectors of `inputs`
 * values and gives as many of `outputs` values.
 *
 * weights [outputs][inputs]; ends [outputs / 4, rounded up][3][4]: of four outputs the biases, with the input's
 * zero point folded in, the multipliers and the shifts, none positive.
 * Aliasing: an output row may overlap the input row of the same index, beginning and ending no later;
 * its vectors are then copied to scratch, two at a time.
 * Scratch: none; 2 * inputs bytes where rows overlap so (of one vector a row: inputs).
 */
#ifndef EC_LINEAR_MVE_H
#define EC_LINEAR_MVE_H

#include "edgec.h"

typedef struct {
    int32_t inputs;
    int32_t outputs;
    int32_t vectors;
    int32_t wide;
    int32_t output_zero;
    int32_t lo;
    int32_t hi;
    const int8_t *weights;
    const int32_t *ends;
} ec_linear_mve_params;

void ec_linear_mve(const ec_linear_mve_params *p, const ec_window *in, const ec_window *out,
                      int32_t first, int32_t last, void *scratch);

#endif
