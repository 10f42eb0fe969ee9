/* A function of int8 by table, for Advanced SIMD, sixteen values at a time: parameters and aliasing are those of
 * ec_lut_s8. */
#ifndef EC_LUT_S8_NEON_H
#define EC_LUT_S8_NEON_H

#include "edgec.h"

typedef struct {
    int32_t length;
    const int8_t *table;
} ec_lut_s8_neon_params;

void ec_lut_s8_neon(const ec_lut_s8_neon_params *p, const ec_window *in, const ec_window *out, int32_t first,
                    int32_t last, void *scratch);

#endif
