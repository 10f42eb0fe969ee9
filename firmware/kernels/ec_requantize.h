/* int8 or int16 to int8 or int16: q = output_zero + (x - input_zero) * multiplier * 2^(shift - 31).
 *
 * Aliasing: an output row may overlap the input row of the same index, beginning and ending no later.
 * (So wider elements, too, are written behind those still to be read: never before.)
 */
#ifndef EC_REQUANTIZE_H
#define EC_REQUANTIZE_H

#include "edgec.h"

typedef struct {
    int32_t length;
    int32_t wide_input;
    int32_t wide_output;
    int32_t input_zero;
    int32_t output_zero;
    int32_t multiplier;
    int32_t shift;
} ec_requantize_params;

void ec_requantize(const ec_requantize_params *p, const ec_window *in, const ec_window *out, int32_t first,
                   int32_t last, void *scratch);

#endif
