/* Running maximum of rows, int8: input rows of columns x channels values, output rows of windows x channels.
 *
 * Output row i is the larger of output row i-1 and input row i's values in each window's columns.
 * Aliasing: output row i may lie where output row i-1 does; it overlaps no input row that is still needed.
 * Scratch: none.
 */
#ifndef EC_RUNNING_MAX_S8_H
#define EC_RUNNING_MAX_S8_H

#include "edgec.h"

typedef struct {
    int32_t columns;
    int32_t channels;
    int32_t taps;
    int32_t stride;
    int32_t pad;
    int32_t windows;
} ec_running_max_s8_params;

void ec_running_max_s8(const ec_running_max_s8_params *p, const ec_window *in, const ec_window *out,
                       int32_t first, int32_t last, void *scratch);

#endif
