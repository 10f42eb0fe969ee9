#include "ec_running_depthwise_s8.h"

void ec_running_depthwise_s8(const ec_running_depthwise_s8_params *p, const ec_window *in,
                             const ec_window *out, int32_t first, int32_t last, void *scratch)
{
    const int32_t columns = p->columns;
    const int32_t channels = p->channels;

    (void)scratch;
    for (int32_t row = first; row < last; row++) {
        const int8_t *x = ec_row_s8(in, row);
        const int8_t *w = p->weights + row * columns * channels;
        const int32_t *before = row > 0 ? (const int32_t *)ec_row(out, row - 1) : NULL;
        int32_t *y = (int32_t *)ec_row(out, row);

        for (int32_t c = 0; c < channels; c++) {
            int32_t sum = before == NULL ? 0 : before[c];
            for (int32_t i = c; i < columns * channels; i += channels) {
                sum += x[i] * w[i];
            }
            y[c] = sum;
        }
    }
}
