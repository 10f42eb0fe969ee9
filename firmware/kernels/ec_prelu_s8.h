/* PReLU, int8: x where x >= 0, else x * alpha of its channel; `length` values a row.
 *
 * alpha [channels], its zero point removed: -255 .. 255.
 * Aliasing: an output row may lie over the input row of the same index, never over a later one.
 * Scratch: none.
 */
#ifndef EC_PRELU_S8_H
#define EC_PRELU_S8_H

#include "edgec.h"

typedef struct {
    int32_t length;
    int32_t channels;
    int32_t input_zero;
    int32_t output_zero;
    int32_t multiplier;
    int32_t shift;
    int32_t alpha_multiplier;
    int32_t alpha_shift;
    const int16_t *alpha;
} ec_prelu_s8_params;

void ec_prelu_s8(const ec_prelu_s8_params *p, const ec_window *in, const ec_window *out,
                 int32_t first, int32_t last, void *scratch);

#endif
