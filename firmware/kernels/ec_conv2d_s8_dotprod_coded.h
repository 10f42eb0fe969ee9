/* 2-D convolution for the dot product of Advanced SIMD with coded weights (ec_coded.h): otherwise as ec_conv2d_s8_dotprod.h has it.
 *
 * Aliasing: an output row must not overlap input rows that it needs.
 * Scratch: the tables of ec_coded_tables, and `room` and `inner` bytes.
 */
#ifndef EC_CONV2D_S8_DOTPROD_CODED_H
#define EC_CONV2D_S8_DOTPROD_CODED_H

#include "ec_coded.h"
#include "ec_conv2d_s8_dotprod.h"

typedef struct {
    ec_conv2d_s8_dotprod_params layer;
    ec_coded coded;
} ec_conv2d_s8_dotprod_coded_params;

void ec_conv2d_s8_dotprod_coded(const ec_conv2d_s8_dotprod_coded_params *p, const ec_window *in, const ec_window *out,
                                int32_t first, int32_t last, void *scratch);

#endif
