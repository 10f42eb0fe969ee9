/* Pointwise function by table, int16 to int16, for `length` values a row.
 *
 * table [513]: the results at -32768, -32640 .. 32768; between them the function is a line.
 * Aliasing: an output row may lie over the input row of the same index, never over a later one.
 * Scratch: none.
 */
#ifndef EC_LUT_S16_H
#define EC_LUT_S16_H

#include "edgec.h"

typedef struct {
    int32_t length;
    const int16_t *table;
} ec_lut_s16_params;

void ec_lut_s16(const ec_lut_s16_params *p, const ec_window *in, const ec_window *out,
                int32_t first, int32_t last, void *scratch);

#endif
