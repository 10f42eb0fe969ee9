/* Concatenation of up to any number of tensors along one axis.
 *
 * Joined inside rows (rows 0): every output row is `segments` times the next length[k]
 * elements of each operand's row. Joined row by row: every block of the output has
 * rows[0] rows of operand 0, rows[1] of operand 1, ..., each of length[k] elements.
 * offset[k] >= 0 names a constant operand, at that byte of `constants`, already in the
 * output's quantization; other operands take the next window of `in`. multiplier[k] 0 is
 * a copy of elements of 1, 2 or 4 bytes; otherwise int8 values are requantized.
 * Aliasing: none. Scratch: none.
 */
#ifndef EC_CONCAT_H
#define EC_CONCAT_H

#include "edgec.h"

typedef struct {
    int32_t operands;
    int32_t element;
    int32_t segments;
    int32_t output_zero;
    const int32_t *length;
    const int32_t *rows;
    const int8_t *constants;
    const int32_t *offset;
    const int32_t *multiplier;
    const int8_t *shift;
    const int32_t *zero;
} ec_concat_params;

void ec_concat(const ec_concat_params *p, const ec_window *in, const ec_window *out, int32_t first,
               int32_t last, void *scratch);

#endif
