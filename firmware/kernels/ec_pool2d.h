/* The taps of a pooling window that lie inside the image. */
#ifndef EC_POOL2D_H
#define EC_POOL2D_H

#include "edgec.h"

/* The first k >= 0 with start + k * step >= 0. */
static inline int32_t ec_tap_first(int32_t start, int32_t step)
{
    return start >= 0 ? 0 : (-start + step - 1) / step;
}

/* One more than the last k < taps with start + k * step < size, at least first. */
static inline int32_t ec_tap_end(int32_t start, int32_t step, int32_t taps, int32_t size, int32_t first)
{
    return start >= size ? first : ec_max(first, ec_min(taps, (size - start + step - 1) / step));
}

#endif
