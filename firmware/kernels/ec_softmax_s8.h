/* Softmax, int8 to int8: every row holds `vectors` vectors of `length` values (at most 4095).
 *
 * exponentials [256]: exp of the distance from the largest value, with 31 fraction bits.
 * drop: 8 .. 23; a result keeps 31 - drop fraction bits and stops at 255 of its steps.
 * Aliasing: an output row may overlap the input row of the same index if it starts no later.
 */
#ifndef EC_SOFTMAX_S8_H
#define EC_SOFTMAX_S8_H

#include "edgec.h"

typedef struct {
    int32_t length;
    int32_t vectors;
    int32_t drop;
    const int32_t *exponentials;
} ec_softmax_s8_params;

void ec_softmax_s8(const ec_softmax_s8_params *p, const ec_window *in, const ec_window *out, int32_t first,
                   int32_t last, void *scratch);

#endif
