#include "ec_running_sums.h"

#include "ec_mve.h"
#include "ec_neon.h"
#include "ec_running.h"

/* The channels of a window that are computed side by side; returns how many. */
#ifdef EC_HAVE_MVE
#define EC_SUMS_TOGETHER(name, input, output, vector, lanes, live, load, keep, add, zero, store)             \
    static inline int32_t name(const input *x, int32_t channels, int32_t taps, const output *before, output *y) \
    {                                                                                                        \
        for (int32_t k = 0; k < channels; k += lanes) {                                                      \
            const mve_pred16_t p = live((uint32_t)(channels - k));                                           \
            vector sum = before == NULL ? zero(0) : keep(before + k, p);                                     \
            const input *tap = x + k;                                                                        \
            for (int32_t i = taps; i > 0; i--, tap += channels) {                                            \
                sum = add(sum, load(tap, p));                                                                \
            }                                                                                                \
            store(y + k, sum, p);                                                                            \
        }                                                                                                    \
        return channels;                                                                                     \
    }

EC_SUMS_TOGETHER(together_s8_s16, int8_t, int16_t, int16x8_t, 8, vctp16q, vldrbq_z_s16, vldrhq_z_s16, vaddq_s16,
                 vdupq_n_s16, vstrhq_p_s16)
EC_SUMS_TOGETHER(together_s8_s32, int8_t, int32_t, int32x4_t, 4, vctp32q, vldrbq_z_s32, vldrwq_z_s32, vaddq_s32,
                 vdupq_n_s32, vstrwq_p_s32)
EC_SUMS_TOGETHER(together_s16_s32, int16_t, int32_t, int32x4_t, 4, vctp32q, vldrhq_z_s32, vldrwq_z_s32, vaddq_s32,
                 vdupq_n_s32, vstrwq_p_s32)
#elif defined(EC_HAVE_NEON)
/* Eight channels: 256 int8 have a sum of 16 bits. */
EC_INLINE int16x8_t taps_s8(const int8_t *tap, int32_t channels, int32_t count, int16x8_t sum)
{
    EC_NO_UNROLL
    for (; count > 0; count--, tap += channels) {
        sum = vaddw_s8(sum, vld1_s8(tap));
    }
    return sum;
}

static inline int32_t together_s8_s16(const int8_t *x, int32_t channels, int32_t taps, const int16_t *before,
                                      int16_t *y)
{
    int32_t k = 0;

    for (; k + 8 <= channels; k += 8) {
        const int16x8_t sum = before == NULL ? vdupq_n_s16(0) : vld1q_s16(before + k);
        vst1q_s16(y + k, taps_s8(x + k, channels, taps, sum));
    }
    return k;
}

static inline int32_t together_s8_s32(const int8_t *x, int32_t channels, int32_t taps, const int32_t *before,
                                      int32_t *y)
{
    int32_t k = 0;

    for (; taps <= 256 && k + 8 <= channels; k += 8) {
        int32x4_t low = before == NULL ? vdupq_n_s32(0) : vld1q_s32(before + k);
        int32x4_t high = before == NULL ? vdupq_n_s32(0) : vld1q_s32(before + k + 4);
        const int16x8_t sum = taps_s8(x + k, channels, taps, vdupq_n_s16(0));
        low = vaddw_s16(low, vget_low_s16(sum));
        high = vaddw_high_s16(high, sum);
        vst1q_s32(y + k, low);
        vst1q_s32(y + k + 4, high);
    }
    return k;
}

static inline int32_t together_s16_s32(const int16_t *x, int32_t channels, int32_t taps, const int32_t *before,
                                       int32_t *y)
{
    int32_t k = 0;

    for (; k + 8 <= channels; k += 8) {
        int32x4_t low = before == NULL ? vdupq_n_s32(0) : vld1q_s32(before + k);
        int32x4_t high = before == NULL ? vdupq_n_s32(0) : vld1q_s32(before + k + 4);
        const int16_t *tap = x + k;
        EC_NO_UNROLL
        for (int32_t i = taps; i > 0; i--, tap += channels) {
            const int16x8_t v = vld1q_s16(tap);
            low = vaddw_s16(low, vget_low_s16(v));
            high = vaddw_high_s16(high, v);
        }
        vst1q_s32(y + k, low);
        vst1q_s32(y + k + 4, high);
    }
    return k;
}
#else
#define EC_SUMS_TOGETHER(name, input, output)                                                                \
    static inline int32_t name(const input *x, int32_t channels, int32_t taps, const output *before, output *y) \
    {                                                                                                        \
        (void)x;                                                                                             \
        (void)channels;                                                                                      \
        (void)taps;                                                                                          \
        (void)before;                                                                                        \
        (void)y;                                                                                             \
        return 0;                                                                                            \
    }

EC_SUMS_TOGETHER(together_s8_s16, int8_t, int16_t)
EC_SUMS_TOGETHER(together_s8_s32, int8_t, int32_t)
EC_SUMS_TOGETHER(together_s16_s32, int16_t, int32_t)
#endif

/* y = before + the sums of row x; before is NULL in front of the first row, else maybe y.
 *
 * Four channels at a time: their sums stay in registers. */
#define EC_RUNNING_SUMS(name, together, input, output)                                                    \
    static void name(const ec_running_sums_params *params, const input *x, const output *before,    \
                     output *y)                                                                    \
    {                                                                                              \
        const ec_running_sums_params p = *params;                                                  \
        for (int32_t w = 0; w < p.windows; w++, y += p.channels) {                                 \
            const ec_columns c = ec_columns_of(w, p.taps, p.stride, p.pad, p.columns);             \
            const input *from = x + c.first * p.channels;                                          \
            int32_t k = together(from, p.channels, c.count, before, y);                            \
            for (; k + 4 <= p.channels; k += 4) {                                                  \
                int32_t s0 = before == NULL ? 0 : before[k];                                       \
                int32_t s1 = before == NULL ? 0 : before[k + 1];                                   \
                int32_t s2 = before == NULL ? 0 : before[k + 2];                                   \
                int32_t s3 = before == NULL ? 0 : before[k + 3];                                   \
                const input *tap = from + k;                                                       \
                EC_NO_UNROLL                                                                       \
                for (int32_t i = c.count; i > 0; i--, tap += p.channels) {                         \
                    s0 += tap[0];                                                                  \
                    s1 += tap[1];                                                                  \
                    s2 += tap[2];                                                                  \
                    s3 += tap[3];                                                                  \
                }                                                                                  \
                y[k] = (output)s0;                                                                 \
                y[k + 1] = (output)s1;                                                             \
                y[k + 2] = (output)s2;                                                             \
                y[k + 3] = (output)s3;                                                             \
            }                                                                                      \
            for (; k < p.channels; k++) {                                                          \
                const input *tap = from + k;                                                       \
                int32_t sum = before == NULL ? 0 : before[k];                                      \
                for (int32_t i = c.count; i > 0; i--, tap += p.channels) {                         \
                    sum += *tap;                                                                   \
                }                                                                                  \
                y[k] = (output)sum;                                                                \
            }                                                                                      \
            before = before == NULL ? NULL : before + p.channels;                                  \
        }                                                                                          \
    }

EC_RUNNING_SUMS(sums_s8_s16, together_s8_s16, int8_t, int16_t)
EC_RUNNING_SUMS(sums_s8_s32, together_s8_s32, int8_t, int32_t)
EC_RUNNING_SUMS(sums_s16_s32, together_s16_s32, int16_t, int32_t)

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
