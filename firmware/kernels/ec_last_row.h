/* The last row of running sums, int8, int16 or int32 (`bytes`), as int8 or (wide) int16 rows of `length`.
 *
 * With tables of one entry (step 0) or one per element (step 1), counted over all output rows:
 * count: (x + offset) / count, ties away from zero; multiplier and shift: (x + offset) * multiplier *
 * 2^(shift - 31) + output_zero; all NULL: x. Then clamped to lo..hi.
 * Aliasing: none. Scratch: none.
 */
#ifndef EC_LAST_ROW_H
#define EC_LAST_ROW_H

#include "edgec.h"

typedef struct {
    int32_t last;
    int32_t length;
    int32_t bytes;
    int32_t wide;
    int32_t step;
    int32_t output_zero;
    int32_t lo;
    int32_t hi;
    const int32_t *offset;
    const int32_t *count;
    const int32_t *multiplier;
    const int8_t *shift;
} ec_last_row_params;

void ec_last_row(const ec_last_row_params *p, const ec_window *in, const ec_window *out, int32_t first,
                 int32_t last, void *scratch);

#endif
