#include "ec_strided_copy.h"

static void copy_run(uint8_t *y, const uint8_t *x, int32_t n, int32_t stride, int32_t width)
{
    if (stride == 1) {
        memcpy(y, x, (size_t)(n * width));
    } else if (width == 1) {
        for (int32_t i = 0; i < n; i++) {
            y[i] = x[i * stride];
        }
    } else if (width == 2) {
        for (int32_t i = 0; i < n; i++) {
            memcpy(y + 2 * i, x + 2 * i * stride, 2);
        }
    } else {
        for (int32_t i = 0; i < n; i++) {
            memcpy(y + 4 * i, x + 4 * i * stride, 4);
        }
    }
}

/* How many steps of `stride` from column `at` stay inside a row of `size` elements. */
static int32_t steps_inside(int32_t at, int32_t stride, int32_t size)
{
    if (stride > 0) {
        return (size - 1 - at) / stride + 1;
    }
    return stride < 0 ? at / -stride + 1 : INT32_MAX;
}

void ec_strided_copy(const ec_strided_copy_params *p, const ec_window *in, const ec_window *out,
                     int32_t first, int32_t last, void *scratch)
{
    const int32_t inner = p->loops - 1;
    const int32_t stride = p->strides[inner];
    /* Rows that lie one behind the other are one long row: fewer, longer runs. */
    const int whole = in->pitch == p->in_row * p->width && in->capacity >= p->in_rows;
    const int32_t span = whole ? p->in_row * p->in_rows : p->in_row;
    int32_t index[EC_STRIDED_COPY_LOOPS];
    int32_t source = p->offset;
    int32_t rest = first * p->out_row;

    (void)scratch;
    for (int32_t k = inner; k >= 0; k--) {
        index[k] = rest % p->sizes[k];
        rest /= p->sizes[k];
        source += index[k] * p->strides[k];
    }
    for (int32_t row = first; row < last; row++) {
        uint8_t *y = (uint8_t *)ec_row(out, row);
        int32_t left = p->out_row;

        while (left > 0) {
            const int32_t at = source % span;
            const uint8_t *x = (const uint8_t *)ec_row(in, source / span) + at * p->width;
            int32_t n = ec_min(left, p->sizes[inner] - index[inner]);

            n = ec_min(n, steps_inside(at, stride, span));
            copy_run(y, x, n, stride, p->width);
            y += n * p->width;
            left -= n;
            source += n * stride;
            index[inner] += n;
            for (int32_t k = inner; k > 0 && index[k] == p->sizes[k]; k--) {
                source += p->strides[k - 1] - p->sizes[k] * p->strides[k];
                index[k] = 0;
                index[k - 1]++;
            }
        }
    }
}
