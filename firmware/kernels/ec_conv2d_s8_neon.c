#define EC_GEMM_DEPTH 16
#include "ec_conv2d_s8_neon.h"

void ec_conv2d_s8_neon(const ec_conv2d_s8_neon_params *p, const ec_window *in, const ec_window *out, int32_t first, int32_t last,
                       void *scratch)
{
    ec_conv2d_rows(p, in, out, first, last, scratch);
}
