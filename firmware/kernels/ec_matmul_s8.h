/* Product of two int8 activations: y[b][m][n] = sum over k of a[b][m][k] * b[b][k][n].
 *
 * Output rows are any `row` consecutive elements of y. a and b are read through views
 * (ec_view.h) with the strides of (batch, m, k) and (batch, k, n). At most 33,000 products a
 * sum, so that it fits int32.
 *
 * form: 0 where b's vectors along k are contiguous, 1 where those along n are, 2 elsewhere.
 * a_data, b_data: a constant operand; NULL: the operand is the next window.
 * Aliasing: an output row may lie over row i of an a that is [batch][m][k], dense, ending and
 *   starting no later; never over b.
 * Scratch: 4 * columns + 4 * depth bytes; depth more for form 0.
 */
#ifndef EC_MATMUL_S8_H
#define EC_MATMUL_S8_H

#include "edgec.h"

typedef struct {
    int32_t row;
    int32_t rows; /* m */
    int32_t columns; /* n */
    int32_t depth; /* k */
    int32_t form;
    int32_t a_zero;
    int32_t b_zero;
    int32_t output_zero;
    int32_t multiplier;
    int32_t shift;
    int32_t a_pitch; /* row bytes of constant operands */
    int32_t b_pitch;
    const int32_t *a_view;
    const int32_t *b_view;
    const int8_t *a_data;
    const int8_t *b_data;
} ec_matmul_s8_params;

void ec_matmul_s8(const ec_matmul_s8_params *p, const ec_window *in, const ec_window *out,
                  int32_t first, int32_t last, void *scratch);

#endif
