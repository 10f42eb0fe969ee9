/* Running sums of rows: input rows of columns x channels values, output rows of windows x channels.
 *
 * Output row i is output row i-1 plus the sums of input row i over each window's columns inside the row.
 * Input int8 or (wide_input) int16, output int16 or (wide) int32; int16 goes to int32 only.
 * Aliasing: output row i may lie where output row i-1 does; it overlaps no input row that is still needed.
 * Scratch: none.
 */
#ifndef EC_RUNNING_SUMS_H
#define EC_RUNNING_SUMS_H

#include "edgec.h"

typedef struct {
    int32_t columns;
    int32_t channels;
    int32_t taps;
    int32_t stride;
    int32_t pad;
    int32_t windows;
    int32_t wide_input;
    int32_t wide;
} ec_running_sums_params;

void ec_running_sums(const ec_running_sums_params *p, const ec_window *in, const ec_window *out,
                     int32_t first, int32_t last, void *scratch);

#endif
