#include "ec_running_sums.h"

#include "ec_running.h"

/* y = before + the sums of row x; before is NULL in front of the first row, else maybe y. */
#define EC_RUNNING_SUMS(name, input, output)                                                          \
    static void name(const ec_running_sums_params *p, const input *x, const output *before, output *y) \
    {                                                                                                 \
        const int32_t channels = p->channels;                                                         \
        int32_t at = 0;                                                                               \
        for (int32_t w = 0; w < p->windows; w++) {                                                    \
            const ec_columns c = ec_columns_of(w, p->taps, p->stride, p->pad, p->columns);            \
            const input *from = x + c.first * channels;                                               \
            for (int32_t k = 0; k < channels; k++, at++) {                                            \
                const input *tap = from + k;                                                          \
                int32_t sum = before == NULL ? 0 : before[at];                                        \
                for (int32_t i = 0; i < c.count; i++, tap += channels) {                              \
                    sum += *tap;                                                                      \
                }                                                                                     \
                y[at] = (output)sum;                                                                  \
            }                                                                                         \
        }                                                                                             \
    }

EC_RUNNING_SUMS(sums_s8_s16, int8_t, int16_t)
EC_RUNNING_SUMS(sums_s8_s32, int8_t, int32_t)
EC_RUNNING_SUMS(sums_s16_s32, int16_t, int32_t)

void ec_running_sums(const ec_running_sums_params *p, const ec_window *in, const ec_window *out,
                     int32_t first, int32_t last, void *scratch)
{
    (void)scratch;
    for (int32_t row = first; row < last; row++) {
        const void *x = ec_row(in, row);
        const void *before = row > 0 ? ec_row(out, row - 1) : NULL;
        void *y = ec_row(out, row);

        if (p->wide_input) {
            sums_s16_s32(p, (const int16_t *)x, (const int32_t *)before, (int32_t *)y);
        } else if (p->wide) {
            sums_s8_s32(p, (const int8_t *)x, (const int32_t *)before, (int32_t *)y);
        } else {
            sums_s8_s16(p, (const int8_t *)x, (const int16_t *)before, (int16_t *)y);
        }
    }
}
