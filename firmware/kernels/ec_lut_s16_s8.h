/* Pointwise function by table, int16 to int8, for `length` values a row.
 *
 * table [513]: the results at -32768, -32640 .. 32768 in 1/256 of the output's unit; between
 * them the function is a line.
 * Aliasing: an output row may lie over the input row of the same index, never over a later one.
 * Scratch: none.
 */
#ifndef EC_LUT_S16_S8_H
#define EC_LUT_S16_S8_H

#include "edgec.h"

typedef struct {
    int32_t length;
    const int16_t *table;
} ec_lut_s16_s8_params;

void ec_lut_s16_s8(const ec_lut_s16_s8_params *p, const ec_window *in, const ec_window *out,
                   int32_t first, int32_t last, void *scratch);

#endif
