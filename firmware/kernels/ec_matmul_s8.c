#include "ec_matmul_s8.h"

#include "ec_mve.h"
#include "ec_view.h"
#include "ec_wide.h"

/* Pairs of a view: offset, batch, and two more indices. */
static ec_run run_of(const ec_window *w, const int32_t *view, int32_t batch, int32_t i, int32_t j, int32_t axis,
                     int32_t count)
{
    const int32_t row = view[0] + batch * view[2] + i * view[4] + j * view[6];
    const int32_t column = view[1] + batch * view[3] + i * view[5] + j * view[7];
    return ec_run_of(w, row, column, view[4 + 2 * axis], view[5 + 2 * axis], count);
}

/* a[m][..] less its zero point, to `weight`; returns the sum. */
static int32_t take_row(const ec_matmul_s8_params *p, const ec_window *a, int32_t batch, int32_t m, int32_t *weight)
{
    ec_run r;
    int32_t sum = 0;
    for (int32_t k = 0; k < p->depth; k += r.count) {
        int32_t i = 0;
        r = run_of(a, p->a_view, batch, m, k, 1, p->depth - k);
#ifdef EC_HAVE_MVE
        for (; r.step == 1 && i < r.count; i += 4) {
            const mve_pred16_t live = vctp32q((uint32_t)(r.count - i));
            const int32x4_t x = vsubq_n_s32(vldrbq_z_s32(r.at + i, live), p->a_zero);
            vstrwq_p_s32(weight + k + i, x, live);
            sum = vaddvaq_p_s32(sum, x, live);
        }
#endif
        for (; i < r.count; i++) {
            weight[k + i] = r.at[i * r.step] - p->a_zero;
            sum += weight[k + i];
        }
    }
    return sum;
}

/* acc = sums for columns n .. n + count - 1, b's vectors along k contiguous. */
static void dots(const ec_matmul_s8_params *p, const ec_window *b, int32_t batch, int32_t n, int32_t count,
                 const int16_t *wide, int32_t *acc)
{
    ec_run r;
    for (int32_t i = 0; i < count; i += r.count) {
        r = run_of(b, p->b_view, batch, 0, n + i, 1, count - i);
        ec_wide_dots(wide, r.at, r.step, r.count, p->depth, acc + i);
    }
}

/* The same with b's vectors along n contiguous. */
static void mixes(const ec_matmul_s8_params *p, const ec_window *b, int32_t batch, int32_t n, int32_t count,
                  const int32_t *weight, int32_t *acc)
{
    ec_run r;
    memset(acc, 0, (size_t)count * sizeof *acc);
    for (int32_t k = 0; k < p->depth; k += r.count) {
        r = run_of(b, p->b_view, batch, k, n, 0, p->depth - k);
        ec_mix(weight + k, r.at, r.step, r.count, count, acc);
    }
}

/* The same with any strides. */
static void sums(const ec_matmul_s8_params *p, const ec_window *b, int32_t batch, int32_t n, int32_t count,
                 const int32_t *weight, int32_t *acc)
{
    ec_run r;
    for (int32_t i = 0; i < count; i++) {
        int32_t s = 0;
        for (int32_t k = 0; k < p->depth; k += r.count) {
            r = run_of(b, p->b_view, batch, k, n + i, 0, p->depth - k);
            for (int32_t j = 0; j < r.count; j++) {
                s += weight[k + j] * r.at[j * r.step];
            }
        }
        acc[i] = s;
    }
}

/* y = the results of n sums, from which `less` is taken. */
static void finish(const ec_matmul_s8_params *p, const int32_t *acc, int32_t less, int32_t n, int8_t *y)
{
#ifdef EC_HAVE_MVE
    const ec_factor by = ec_factor_of(p->multiplier, p->shift);
    const int32x4_t lo = vdupq_n_s32(-128);
    const int32x4_t hi = vdupq_n_s32(127);
    const int32_t zero = p->output_zero;

    for (; n > 0; n -= 4, acc += 4, y += 4) {
        const mve_pred16_t live = vctp32q((uint32_t)n);
        int32x4_t v = vsubq_n_s32(vldrwq_z_s32(acc, live), less);
        v = vaddq_n_s32(ec_requant_by_x4(v, by), zero);
        vstrbq_p_s32(y, vminq_s32(vmaxq_s32(v, lo), hi), live);
    }
#else
    for (int32_t i = 0; i < n; i++) {
        const int32_t q = ec_requant(acc[i] - less, p->multiplier, p->shift);
        y[i] = (int8_t)ec_clamp(q + p->output_zero, -128, 127);
    }
#endif
}

void ec_matmul_s8(const ec_matmul_s8_params *p, const ec_window *in, const ec_window *out,
                  int32_t first, int32_t last, void *scratch)
{
    int32_t *acc = (int32_t *)scratch;
    int32_t *weight = acc + p->columns;
    int8_t *narrow = (int8_t *)(weight + p->depth);
    int16_t *wide = (int16_t *)weight;
    const ec_window a = p->a_data ? ec_constant_window(p->a_data, p->a_pitch) : *in++;
    const ec_window b = p->b_data ? ec_constant_window(p->b_data, p->b_pitch) : *in;

    for (int32_t row = first; row < last; row++) {
        int8_t *y = (int8_t *)ec_row(out, row);
        const int32_t end = (row + 1) * p->row;
        int32_t count;

        for (int32_t at = row * p->row; at < end; at += count, y += count) {
            const int32_t vector = at / p->columns;
            const int32_t batch = vector / p->rows;
            const int32_t n = at - vector * p->columns;
            const int32_t sum = take_row(p, &a, batch, vector - batch * p->rows, weight);

            count = ec_min(p->columns - n, end - at);
            if (p->form == 0) {
                for (int32_t k = 0; k < p->depth; k++) {
                    narrow[k] = (int8_t)(weight[k] + p->a_zero);
                }
                ec_widen_s8(narrow, p->depth, p->a_zero, wide);
                dots(p, &b, batch, n, count, wide, acc);
            } else if (p->form == 1) {
                mixes(p, &b, batch, n, count, weight, acc);
            } else {
                sums(p, &b, batch, n, count, weight, acc);
            }
            finish(p, acc, p->b_zero * sum, count, y);
        }
    }
}
