/* 2-D convolution for Advanced SIMD: shapes, aliasing and scratch are those of ec_conv2d_packed.h, in blocks of
 * 16 inputs. */
#ifndef EC_CONV2D_S8_NEON_H
#define EC_CONV2D_S8_NEON_H

#include "ec_conv2d_packed.h"

typedef ec_conv2d_packed ec_conv2d_s8_neon_params;

void ec_conv2d_s8_neon(const ec_conv2d_s8_neon_params *p, const ec_window *in, const ec_window *out, int32_t first, int32_t last,
                       void *scratch);

#endif
