/* Windows that slide over the columns of a row: where each begins and ends. */
#ifndef EC_RUNNING_H
#define EC_RUNNING_H

#include "ec_dsp.h"

typedef struct {
    int32_t first; /* the first column inside the row */
    int32_t count; /* columns inside the row */
} ec_columns;

/* Window w of `taps` columns, `stride` apart, the first `pad` columns before the row. */
static inline ec_columns ec_columns_of(int32_t w, int32_t taps, int32_t stride, int32_t pad, int32_t columns)
{
    const int32_t begin = w * stride - pad;
    const int32_t first = ec_max(begin, 0);
    const ec_columns c = {first, ec_max(ec_min(begin + taps, columns) - first, 0)};
    return c;
}

#endif
