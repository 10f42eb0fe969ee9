/* Maximum over any axes, int8; loops as in ec_reduce.h.
 *
 * Output rows have `length` elements.
 * Aliasing: none. Scratch: none.
 */
#ifndef EC_REDUCE_MAX_S8_H
#define EC_REDUCE_MAX_S8_H

#include "edgec.h"

typedef struct {
    int32_t length;
    int32_t axes;
    const int32_t *kept;
    const int32_t *reduced;
} ec_reduce_max_s8_params;

void ec_reduce_max_s8(const ec_reduce_max_s8_params *p, const ec_window *in, const ec_window *out,
                      int32_t first, int32_t last, void *scratch);

#endif
