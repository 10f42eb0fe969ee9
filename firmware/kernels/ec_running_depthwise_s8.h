/* Running depthwise products: input rows of columns x channels int8 values, output rows of `channels` int32
 * sums.
 *
 * Output row i is output row i-1 plus the sums over the columns of weights[i] [columns][channels] times
 * input row i.
 * Aliasing: output row i may lie where output row i-1 does; it overlaps no input row that is still needed.
 * Scratch: none.
 */
#ifndef EC_RUNNING_DEPTHWISE_S8_H
#define EC_RUNNING_DEPTHWISE_S8_H

#include "edgec.h"

typedef struct {
    int32_t columns;
    int32_t channels;
    const int8_t *weights;
} ec_running_depthwise_s8_params;

void ec_running_depthwise_s8(const ec_running_depthwise_s8_params *p, const ec_window *in,
                             const ec_window *out, int32_t first, int32_t last, void *scratch);

#endif
