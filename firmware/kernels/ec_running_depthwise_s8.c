#include "ec_running_depthwise_s8.h"

#include "ec_dot.h"
#include "ec_mve.h"

/* y = before + the products of row x, summed over its columns; before may be y. */
static void products(const int8_t *x, const int8_t *w, int32_t columns, int32_t channels, const int32_t *before,
                     int32_t *y)
{
    const int32_t n = columns * channels;
    int32_t c = 0;

#ifdef EC_HAVE_MVE
    for (; c < n; c += channels, before = y) { /* column by column, through y */
        for (int32_t k = 0; k < channels; k += 4) {
            const mve_pred16_t p = vctp32q((uint32_t)(channels - k));
            const int32x4_t product = vmulq_s32(vldrbq_z_s32(x + c + k, p), vldrbq_z_s32(w + c + k, p));
            vstrwq_p_s32(y + k, vaddq_s32(vldrwq_z_s32(before + k, p), product), p);
        }
    }
#endif
    for (; c + 4 <= channels; c += 4) {
        int32_t acc[4] = {before[c], before[c + 1], before[c + 2], before[c + 3]};
        EC_NO_UNROLL
        for (int32_t i = c; i < n; i += channels) {
            ec_tap_s8(x + i, w + i, acc);
        }
        for (int32_t k = 0; k < 4; k++) {
            y[c + k] = acc[k];
        }
    }
    for (; c < channels; c++) {
        int32_t sum = before[c];
        EC_NO_UNROLL
        for (int32_t i = c; i < n; i += channels) {
            sum += x[i] * w[i];
        }
        y[c] = sum;
    }
}

void ec_running_depthwise_s8(const ec_running_depthwise_s8_params *p, const ec_window *in,
                             const ec_window *out, int32_t first, int32_t last, void *scratch)
{
    (void)scratch;
    for (int32_t row = first; row < last; row++) {
        const int8_t *w = p->weights + row * p->columns * p->channels;
        int32_t *y = (int32_t *)ec_row(out, row);
        const int32_t *before = y;

        if (row == 0) {
            memset(y, 0, (size_t)p->channels * sizeof *y);
        } else {
            before = (const int32_t *)ec_row(out, row - 1);
        }
        products(ec_row_s8(in, row), w, p->columns, p->channels, before, y);
    }
}
