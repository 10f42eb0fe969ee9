/* Pointwise function by table, int8 to int8: y = table[x + 128] for `length` values a row.
 *
 * table [256]: the result of every input from -128 on.
 * Aliasing: an output row may lie over the input row of the same index, never over a later one.
 * Scratch: none.
 */
#ifndef EC_LUT_S8_H
#define EC_LUT_S8_H

#include "edgec.h"

typedef struct {
    int32_t length;
    const int8_t *table;
} ec_lut_s8_params;

void ec_lut_s8(const ec_lut_s8_params *p, const ec_window *in, const ec_window *out,
               int32_t first, int32_t last, void *scratch);

#endif
