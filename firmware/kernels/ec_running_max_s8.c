#include "ec_running_max_s8.h"

#include "ec_pool_neon.h"
#include "ec_running.h"

/* y = the larger of before and row x; before is NULL in front of the first row, else maybe y.
 *
 * Four channels at a time: their maxima stay in registers. */
static void largest(const ec_running_max_s8_params *params, const int8_t *x, const int8_t *before, int8_t *y)
{
    const ec_running_max_s8_params p = *params;

    for (int32_t w = 0; w < p.windows; w++, y += p.channels) {
        const ec_columns c = ec_columns_of(w, p.taps, p.stride, p.pad, p.columns);
        const int8_t *from = x + c.first * p.channels;
        int32_t k = 0;
#ifdef EC_HAVE_NEON
        for (; k + 16 <= p.channels; k += 16) {
            const int8x16_t most = before == NULL ? vdupq_n_s8(INT8_MIN) : vld1q_s8(before + k);
            vst1q_s8(y + k, ec_neon_largest(from + k, p.channels, c.count, most, 16));
        }
        if (k + 8 <= p.channels) {
            const int8x16_t most = before == NULL ? vdupq_n_s8(INT8_MIN) : ec_neon_load_s8(before + k, 8);
            ec_neon_store_s8(y + k, ec_neon_largest(from + k, p.channels, c.count, most, 8), 8);
            k += 8;
        }
#endif
        for (; k + 4 <= p.channels; k += 4) {
            int32_t m0 = before == NULL ? INT8_MIN : before[k];
            int32_t m1 = before == NULL ? INT8_MIN : before[k + 1];
            int32_t m2 = before == NULL ? INT8_MIN : before[k + 2];
            int32_t m3 = before == NULL ? INT8_MIN : before[k + 3];
            const int8_t *tap = from + k;
            EC_NO_UNROLL
            for (int32_t i = c.count; i > 0; i--, tap += p.channels) {
                m0 = ec_max(m0, tap[0]);
                m1 = ec_max(m1, tap[1]);
                m2 = ec_max(m2, tap[2]);
                m3 = ec_max(m3, tap[3]);
            }
            y[k] = (int8_t)m0;
            y[k + 1] = (int8_t)m1;
            y[k + 2] = (int8_t)m2;
            y[k + 3] = (int8_t)m3;
        }
        for (; k < p.channels; k++) {
            const int8_t *tap = from + k;
            int32_t most = before == NULL ? INT8_MIN : before[k];
            for (int32_t i = c.count; i > 0; i--, tap += p.channels) {
                most = ec_max(most, *tap);
            }
            y[k] = (int8_t)most;
        }
        before = before == NULL ? NULL : before + p.channels;
    }
}

void ec_running_max_s8(const ec_running_max_s8_params *p, const ec_window *in, const ec_window *out,
                       int32_t first, int32_t last, void *scratch)
{
    (void)scratch;
    for (int32_t row = first; row < last; row++) {
        const int8_t *before = row > 0 ? ec_row_s8(out, row - 1) : NULL;
        largest(p, ec_row_s8(in, row), before, (int8_t *)ec_row(out, row));
    }
}
