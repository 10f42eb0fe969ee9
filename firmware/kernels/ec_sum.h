/* Sum or mean over any axes of an int8 or int16 tensor, to int8.
 *
 * kept [axes][3] and reduced [3][3] describe loops, outermost first: length, rows and
 * columns of the input per step. An output element is at the kept indices, and
 * q = output_zero + (sum + offset) * multiplier * 2^(shift - 31).
 * Aliasing: none. Scratch: none.
 */
#ifndef EC_SUM_H
#define EC_SUM_H

#include "edgec.h"

typedef struct {
    int32_t length;
    int32_t wide;
    int32_t offset;
    int32_t multiplier;
    int32_t shift;
    int32_t output_zero;
    int32_t axes;
    const int32_t *kept;
    const int32_t *reduced;
} ec_sum_params;

void ec_sum(const ec_sum_params *p, const ec_window *in, const ec_window *out, int32_t first, int32_t last,
            void *scratch);

#endif
