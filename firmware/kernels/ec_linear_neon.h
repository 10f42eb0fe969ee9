/* Linear for Advanced SIMD: shapes, aliasing and scratch are those of ec_linear_packed.h, in blocks of
 * 16 inputs. */
#ifndef EC_LINEAR_NEON_H
#define EC_LINEAR_NEON_H

#include "ec_linear_packed.h"

typedef ec_linear_packed ec_linear_neon_params;

void ec_linear_neon(const ec_linear_neon_params *p, const ec_window *in, const ec_window *out, int32_t first, int32_t last,
                    void *scratch);

#endif
