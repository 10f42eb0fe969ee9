#define EC_GEMM_DEPTH 4
#include "ec_linear_dotprod.h"

void ec_linear_dotprod(const ec_linear_dotprod_params *p, const ec_window *in, const ec_window *out, int32_t first, int32_t last,
                       void *scratch)
{
    ec_linear_rows(p, in, out, first, last, scratch);
}
