/* Gather: chunk j of the output is chunk source[j] of the input, in the order of elements.
 *
 * Elements of 1, 2 or 4 bytes (width); chunk, in_row, out_row in elements.
 * Aliasing: an output row must not overlap an input row that it or a later row reads.
 * Scratch: none.
 */
#ifndef EC_GATHER_H
#define EC_GATHER_H

#include "edgec.h"

typedef struct {
    int32_t width;
    int32_t in_row;
    int32_t out_row;
    int32_t chunk;
    const int32_t *source;
} ec_gather_params;

void ec_gather(const ec_gather_params *p, const ec_window *in, const ec_window *out,
               int32_t first, int32_t last, void *scratch);

#endif
