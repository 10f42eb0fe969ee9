/* Sum or difference for Advanced SIMD, 16 elements at a time (ec_binary_neon.h).
 *
 * Parameters, shapes and aliasing are ec_add's.
 */
#ifndef EC_ADD_NEON_H
#define EC_ADD_NEON_H

#include "ec_binary.h"

typedef struct {
    EC_BINARY_MEMBERS
    int32_t left_shift;
    int32_t subtract;
    int32_t a_multiplier;
    int32_t a_shift;
    int32_t b_multiplier;
    int32_t b_shift;
    int32_t y_multiplier;
    int32_t y_shift;
} ec_add_neon_params;

void ec_add_neon(const ec_add_neon_params *p, const ec_window *in, const ec_window *out, int32_t first, int32_t last,
                 void *scratch);

#endif
