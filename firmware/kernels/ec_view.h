/* Vectors of int8 in a tensor that is read through strides.
 *
 * A view is pairs (row, column): of the offset, then of the stride of every index. Where a
 * tensor is whole and its vectors do not keep to rows, all of it is in columns.
 * edgec/ops/strides.py works them out.
 */
#ifndef EC_VIEW_H
#define EC_VIEW_H

#include "edgec.h"

/* Equally spaced vectors that do not wrap around in their ring. */
typedef struct {
    const int8_t *at;
    int32_t step;
    int32_t count;
} ec_run;

/* The longest run that starts at (row, column), steps by (row_step, column_step) and has at
 * most `count` vectors. */
static inline ec_run ec_run_of(const ec_window *w, int32_t row, int32_t column, int32_t row_step,
                               int32_t column_step, int32_t count)
{
    ec_run r;
    r.at = ec_row_s8(w, row) + column;
    r.step = row_step * w->pitch + column_step;
    r.count = count;
    if (row_step < 0 || (row_step > 0 && w->slots != NULL)) {
        r.count = 1;
    } else if (row_step > 0) {
        const int32_t slot = row < w->capacity ? row : row % w->capacity;
        if ((count - 1) * row_step >= w->capacity - slot) {
            r.count = (w->capacity - 1 - slot) / row_step + 1;
        }
    }
    return r;
}

/* A window for a constant operand: rows that follow each other. */
static inline ec_window ec_constant_window(const int8_t *data, int32_t pitch)
{
    ec_window w;
    w.base = (void *)(uintptr_t)data;
    w.pitch = pitch;
    w.capacity = INT32_MAX;
    w.slots = NULL;
    return w;
}

#endif
