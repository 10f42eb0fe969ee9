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

/* The taps of one output inside the image: rows first + ky * dilation for ky0 <= ky < kye, and in each `columns`
 * pixels from byte `from` on, `step` bytes apart. */
typedef struct {
    const ec_window *in;
    int32_t first;
    int32_t dilation;
    int32_t ky0;
    int32_t kye;
    int32_t from;
    int32_t columns;
    int32_t step;
} ec_taps;

static inline const int8_t *ec_taps_row(const ec_taps *t, int32_t ky)
{
    return ec_row_s8(t->in, t->first + ky * t->dilation) + t->from;
}

/* Those of an output row: top is row 0 of its image, start where in the image the window begins. */
static inline ec_taps ec_taps_of_row(const ec_window *in, int32_t top, int32_t start, int32_t dilation, int32_t taps,
                                     int32_t height)
{
    ec_taps t = {in, top + start, dilation, ec_tap_first(start, dilation), 0, 0, 0, 0};
    t.kye = ec_tap_end(start, dilation, taps, height, t.ky0);
    return t;
}

/* Those of its output that begins at column start, pixels being `bytes` long. */
static inline void ec_taps_at(ec_taps *t, int32_t start, int32_t dilation, int32_t taps, int32_t width, int32_t bytes)
{
    const int32_t kx0 = ec_tap_first(start, dilation);
    t->columns = ec_tap_end(start, dilation, taps, width, kx0) - kx0;
    t->from = (start + kx0 * dilation) * bytes;
    t->step = dilation * bytes;
}

#endif
