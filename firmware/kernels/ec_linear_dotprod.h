/* Linear for the dot product of Advanced SIMD: shapes, aliasing and scratch are those of ec_linear_packed.h, in blocks of
 * 4 inputs. */
#ifndef EC_LINEAR_DOTPROD_H
#define EC_LINEAR_DOTPROD_H

#include "ec_linear_packed.h"

typedef ec_linear_packed ec_linear_dotprod_params;

void ec_linear_dotprod(const ec_linear_dotprod_params *p, const ec_window *in, const ec_window *out, int32_t first, int32_t last,
                       void *scratch);

#endif
