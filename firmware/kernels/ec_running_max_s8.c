#include "ec_running_max_s8.h"

#include "ec_running.h"

void ec_running_max_s8(const ec_running_max_s8_params *p, const ec_window *in, const ec_window *out,
                       int32_t first, int32_t last, void *scratch)
{
    const int32_t channels = p->channels;

    (void)scratch;
    for (int32_t row = first; row < last; row++) {
        const int8_t *x = ec_row_s8(in, row);
        const int8_t *before = row > 0 ? ec_row_s8(out, row - 1) : NULL;
        int8_t *y = (int8_t *)ec_row(out, row);
        int32_t at = 0;

        for (int32_t w = 0; w < p->windows; w++) {
            const ec_columns c = ec_columns_of(w, p->taps, p->stride, p->pad, p->columns);
            const int8_t *from = x + c.first * channels;
            for (int32_t k = 0; k < channels; k++, at++) {
                const int8_t *tap = from + k;
                int32_t most = before == NULL ? INT8_MIN : before[at];
                for (int32_t i = 0; i < c.count; i++, tap += channels) {
                    most = ec_max(most, *tap);
                }
                y[at] = (int8_t)most;
            }
        }
    }
}
