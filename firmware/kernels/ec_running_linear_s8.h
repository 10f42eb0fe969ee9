/* Running products of rows: input rows of `inputs` int8 values, output rows of `outputs` int32 sums.
 *
 * Output row i is output row i-1 plus weights[i] [outputs][inputs] times input row i.
 * Aliasing: output row i may lie where output row i-1 does; it overlaps no input row that is still needed.
 * Scratch: none.
 */
#ifndef EC_RUNNING_LINEAR_S8_H
#define EC_RUNNING_LINEAR_S8_H

#include "edgec.h"

typedef struct {
    int32_t inputs;
    int32_t outputs;
    const int8_t *weights;
} ec_running_linear_s8_params;

void ec_running_linear_s8(const ec_running_linear_s8_params *p, const ec_window *in, const ec_window *out,
                          int32_t first, int32_t last, void *scratch);

#endif
