#include "ec_matmul_s8_dsp.h"

#include "ec_dsp_attend.h"
#include "ec_view.h"

enum { COLUMNS = 16 }; /* finished at a time */

/* Two vectors of a, and what is taken from their sums of products. */
typedef struct {
    const ec_matmul_s8_dsp_params *p;
    int32_t less[2];
    int8_t *y[2];
} work;

/* Pairs of a view: offset, batch, and two more indices. */
static ec_run run_of(const ec_window *w, const int32_t *view, int32_t batch, int32_t i, int32_t j, int32_t axis,
                     int32_t count)
{
    const int32_t row = view[0] + batch * view[2] + i * view[4] + j * view[6];
    const int32_t column = view[1] + batch * view[3] + i * view[5] + j * view[7];
    return ec_run_of(w, row, column, view[4 + 2 * axis], view[5 + 2 * axis], count);
}

static void put(const work *w, int32_t i, int32_t n, int32_t sum)
{
    const int32_t q = ec_requant(sum - w->less[i], w->p->multiplier, w->p->shift);
    w->y[i][n] = (int8_t)ec_clamp(q + w->p->output_zero, -128, 127);
}

/* All columns, b's vectors along k contiguous; a widened. */
static void dots(const work *w, const uint32_t *a, ec_run r)
{
    uint32_t score[2 * COLUMNS];

    for (int32_t done = 0; done < r.count; done += COLUMNS) {
        const int32_t count = ec_min(COLUMNS, r.count - done);
        const int8_t *b = r.at + done * r.step;
        ec_attend_scores(a, w->p->depth, b, r.step, count >> 1, score);
        if (count & 1) { /* for two, the same twice */
            ec_attend_scores(a, w->p->depth, b + (count - 1) * r.step, 0, 1, score + 4 * (count >> 1));
        }
        for (int32_t c = 0; c < count; c++) {
            const uint32_t *s = score + 4 * (c >> 1) + (c & 1);
            put(w, 0, done + c, (int32_t)s[0]);
            put(w, 1, done + c, (int32_t)s[2]);
        }
    }
}

/* Every two of a's values less the zero point as halfwords, two words for both vectors every four words. */
static void pair_up(ec_run a0, ec_run a1, int32_t zero, uint32_t *weight)
{
    const int32_t step = a0.step;
    const int8_t *x = a0.at;
    const int8_t *y = a1.at;
    int32_t k = a0.count;

    for (; k >= 2; k -= 2, x += 2 * step, y += 2 * step, weight += 4) {
        weight[0] = ((uint32_t)(x[0] - zero) & 0xFFFFu) | (uint32_t)(x[step] - zero) << 16;
        weight[1] = ((uint32_t)(y[0] - zero) & 0xFFFFu) | (uint32_t)(y[step] - zero) << 16;
    }
    if (k != 0) {
        weight[0] = (uint32_t)(x[0] - zero) & 0xFFFFu;
        weight[1] = (uint32_t)(y[0] - zero) & 0xFFFFu;
    }
}

/* All columns, b's vectors along n contiguous. */
static void mixes(const work *w, const uint32_t *weight, ec_run r)
{
    const int32_t n = w->p->columns;
    int32_t c = 0;

    for (; c + 4 <= n; c += 4) {
        int32_t total[8] = {0, 0, 0, 0, 0, 0, 0, 0};
        ec_attend_mix(weight, r.at + c, r.step, r.count, total);
        for (int32_t i = 0; i < 8; i++) {
            put(w, i >> 2, c + (i & 3), total[i]);
        }
    }
    for (; c < n; c++) {
        int32_t sum[2] = {0, 0};
        for (int32_t k = 0; k < r.count; k++) {
            const uint32_t *pair = weight + 4 * (k >> 1);
            const int32_t shift = 16 * (k & 1);
            sum[0] += (int16_t)(uint16_t)(pair[0] >> shift & 0xFFFFu) * r.at[k * r.step + c];
            sum[1] += (int16_t)(uint16_t)(pair[1] >> shift & 0xFFFFu) * r.at[k * r.step + c];
        }
        put(w, 0, c, sum[0]);
        put(w, 1, c, sum[1]);
    }
}

static int32_t sum_of(ec_run a, int32_t zero)
{
    int32_t sum = -a.count * zero;
    for (int32_t k = 0; k < a.count; k++) {
        sum += a.at[k * a.step];
    }
    return sum;
}

/* Rows row and row + 1; 0 where vectors lie in several runs. */
static int two(const ec_matmul_s8_dsp_params *p, const ec_window *a, const ec_window *b, const ec_window *out,
               int32_t row, uint32_t *scratch)
{
    const int32_t batch = row / p->rows;
    const ec_run a0 = run_of(a, p->a_view, batch, row - batch * p->rows, 0, 1, p->depth);
    const ec_run a1 = run_of(a, p->a_view, batch, row + 1 - batch * p->rows, 0, 1, p->depth);
    const int32_t vectors = p->form == 0 ? p->columns : p->depth;
    const ec_run r = run_of(b, p->b_view, batch, 0, 0, p->form == 0 ? 1 : 0, vectors);
    work w;

    if (r.count != vectors || a0.count != p->depth || a1.count != p->depth) {
        return 0;
    }
    w.p = p;
    w.less[0] = p->b_zero * sum_of(a0, p->a_zero);
    w.less[1] = p->b_zero * sum_of(a1, p->a_zero);
    w.y[0] = (int8_t *)ec_row(out, row);
    w.y[1] = (int8_t *)ec_row(out, row + 1);
    if (p->form == 0) {
        ec_attend_widen(a0.at, a1.at, p->depth, p->a_zero, scratch);
        dots(&w, scratch, r);
    } else {
        pair_up(a0, a1, p->a_zero, scratch);
        mixes(&w, scratch, r);
    }
    return 1;
}

void ec_matmul_s8_dsp(const ec_matmul_s8_dsp_params *p, const ec_window *in, const ec_window *out,
                      int32_t first, int32_t last, void *scratch)
{
    const ec_window a = p->a_data ? ec_constant_window(p->a_data, p->a_pitch) : in[0];
    const ec_window b = p->b_data ? ec_constant_window(p->b_data, p->b_pitch) : in[p->a_data ? 0 : 1];

    for (int32_t row = first; row < last;) {
        if (row + 1 < last && (row + 1) % p->rows != 0 && two(p, &a, &b, out, row, (uint32_t *)scratch)) {
            row += 2;
        } else {
            ec_matmul_s8(p, in, out, row, row + 1, scratch);
            row++;
        }
    }
}
