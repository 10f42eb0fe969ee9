#include "ec_sum.h"

#include "ec_pool_neon.h"

/* The sum of one line: n elements of a row, `step` apart. */
static int32_t line(const ec_sum_params *p, const void *row, int32_t column, int32_t n, int32_t step)
{
    int32_t sum = 0;

    if (p->wide) {
        const int16_t *x = (const int16_t *)row + column;
        for (int32_t i = 0; i < n; i++, x += step) {
            sum += *x;
        }
    } else {
        const int8_t *x = (const int8_t *)row + column;
        for (int32_t i = 0; i < n; i++, x += step) {
            sum += *x;
        }
    }
    return sum;
}

static int32_t total(const ec_sum_params *p, const ec_window *in, int32_t row, int32_t column)
{
    const int32_t *a = p->reduced;
    const int32_t *b = a + 3;
    const int32_t *c = b + 3;
    int32_t sum = p->offset;

    for (int32_t i = 0; i < a[0]; i++) {
        for (int32_t j = 0; j < b[0]; j++) {
            const int32_t r = row + i * a[1] + j * b[1];
            const int32_t at = column + i * a[2] + j * b[2];
            if (c[1] == 0) {
                sum += line(p, ec_row(in, r), at, c[0], c[2]);
                continue;
            }
            for (int32_t k = 0; k < c[0]; k++) {
                sum += line(p, ec_row(in, r + k * c[1]), at, 1, 0);
            }
        }
    }
    return sum;
}

#ifdef EC_HAVE_NEON
EC_INLINE void add_line(const ec_sum_params *p, const void *row, int32_t column, int32_t n, int32_t step,
                        int32x4_t sum[4], int channels)
{
    if (p->wide) {
        ec_neon_add_wide_line((const int16_t *)row + column, step, n, sum, channels);
    } else {
        ec_neon_add_line((const int8_t *)row + column, step, n, sum, channels);
    }
}

/* `channels` results, sixteen or eight, from columns that follow each other. */
EC_INLINE int32_t totals(const ec_sum_params *p, const ec_window *in, int32_t row, int32_t column, int8_t *y,
                         int channels)
{
    const int32_t *a = p->reduced;
    const int32_t *b = a + 3;
    const int32_t *c = b + 3;
    int32x4_t sum[4];

    sum[0] = sum[1] = sum[2] = sum[3] = vdupq_n_s32(p->offset);
    for (int32_t i = 0; i < a[0]; i++) {
        for (int32_t j = 0; j < b[0]; j++) {
            const int32_t r = row + i * a[1] + j * b[1];
            const int32_t at = column + i * a[2] + j * b[2];
            if (c[1] == 0) {
                add_line(p, ec_row(in, r), at, c[0], c[2], sum, channels);
                continue;
            }
            for (int32_t k = 0; k < c[0]; k++) {
                add_line(p, ec_row(in, r + k * c[1]), at, 1, 0, sum, channels);
            }
        }
    }
    for (int i = 0; i < 4; i++) {
        const int32x4_t q = ec_neon_requant(sum[i], vdupq_n_s32(p->multiplier), vdupq_n_s32(p->shift));
        sum[i] = vaddq_s32(q, vdupq_n_s32(p->output_zero));
    }
    ec_neon_store_s8(y, ec_neon_narrow(sum), channels);
    return channels;
}
#endif

void ec_sum(const ec_sum_params *p, const ec_window *in, const ec_window *out, int32_t first, int32_t last,
            void *scratch)
{
    (void)scratch;
    for (int32_t i = first; i < last; i++) {
        int8_t *y = (int8_t *)ec_row(out, i);
        int32_t e = 0;
        while (e < p->length) {
            int32_t at = i * p->length + e;
            int32_t row = 0;
            int32_t column = 0;
            for (int32_t k = p->axes - 1; k >= 0; k--) {
                const int32_t *axis = p->kept + 3 * k;
                const int32_t index = at % axis[0];
                at /= axis[0];
                row += index * axis[1];
                column += index * axis[2];
            }
#ifdef EC_HAVE_NEON
            const int32_t *inner = p->kept + 3 * (p->axes - 1);
            const int32_t left = ec_min(inner[0] - (i * p->length + e) % inner[0], p->length - e);
            if (inner[1] == 0 && inner[2] == 1 && left >= 8) {
                e += left >= 16 ? totals(p, in, row, column, y + e, 16) : totals(p, in, row, column, y + e, 8);
                continue;
            }
#endif
            y[e++] = (int8_t)ec_clamp(ec_requant(total(p, in, row, column), p->multiplier, p->shift) + p->output_zero,
                                    INT8_MIN, INT8_MAX);
        }
    }
}
