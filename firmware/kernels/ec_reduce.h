/* Reductions over any axes: where the elements that make one result lie.
 *
 * kept [axes][3] and reduced [3][3] describe loops, outermost first: length, rows and columns
 * of the input per step.
 */
#ifndef EC_REDUCE_H
#define EC_REDUCE_H

#include "edgec.h"

typedef struct {
    int32_t row;
    int32_t column;
} ec_place;

/* Where the elements of result number `index` begin. */
static inline ec_place ec_reduce_place(const int32_t *kept, int32_t axes, int32_t index)
{
    ec_place p = {0, 0};
    for (int32_t k = axes - 1; k >= 0; k--) {
        const int32_t *axis = kept + 3 * k;
        const int32_t i = index % axis[0];
        index /= axis[0];
        p.row += i * axis[1];
        p.column += i * axis[2];
    }
    return p;
}

#endif
