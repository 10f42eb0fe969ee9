#include "ec_conv2d_s8_mve.h"

#include "ec_mve_matvec.h"

enum { EC_MOST_ROWS = 16 }; /* kernel rows whose addresses the stack holds: those of more lie in scratch */

/* The taps of one kernel row, [kernel_w][channels], of the pixel whose first is column x0 of src. */
static void gather_row(const ec_conv2d_s8_mve_params *p, const int8_t *src, int32_t x0, int8_t *to)
{
    const int32_t c = p->channels;
    const int32_t taps = p->kernel_w;

    if (p->dilation_w == 1) {
        const int32_t before = ec_clamp(-x0, 0, taps);
        const int32_t inside = ec_clamp(p->width - x0, before, taps) - before;
        ec_fill_s8(to, p->input_zero, before * c);
        ec_copy_s8(to + before * c, src + (x0 + before) * c, inside * c);
        ec_fill_s8(to + (before + inside) * c, p->input_zero, (taps - before - inside) * c);
        return;
    }
    for (int32_t k = 0; k < taps; k++) {
        const int32_t x = x0 + k * p->dilation_w;
        if (x >= 0 && x < p->width) {
            ec_copy_s8(to + k * c, src + x * c, c);
        } else {
            ec_fill_s8(to + k * c, p->input_zero, c);
        }
    }
}

/* All taps of a pixel; rows[]: those of the kernel's rows, NULL outside the image. */
static void gather(const ec_conv2d_s8_mve_params *p, const int8_t *const *rows, int32_t x0, int8_t *taps)
{
    const int32_t n = p->kernel_w * p->channels;
    const int within = p->dilation_w == 1 && x0 >= 0 && x0 + p->kernel_w <= p->width;
    const int32_t offset = x0 * p->channels;
    const int32_t zero = p->input_zero;

    EC_SCALAR_LOOP
    for (const int8_t *const *end = rows + p->kernel_h; rows < end; rows++, taps += n) {
        const int8_t *src = *rows;
        if (src == NULL) {
            ec_fill_s8(taps, zero, n);
        } else if (within) {
            ec_copy_s8(taps, src + offset, n);
        } else {
            gather_row(p, src, x0, taps);
        }
    }
}

/* Where the taps of a pixel lie side by side in one row they need no gathering. */
static void direct_row(const ec_conv2d_s8_mve_params *p, const ec_mve_matvec *m, const int8_t *x, int8_t *y,
                       int8_t *taps)
{
    const int32_t step = p->stride_w * p->channels;
    const int32_t n = m->inputs;
    const int copy = ec_overlaps(x, p->width * p->channels, y, p->out_width * p->out_channels);
    int32_t ox = 0;

    for (; ox + 2 <= p->out_width; ox += 2, x += 2 * step, y += 2 * p->out_channels) {
        const int8_t *from = x;
        int32_t next = step;
        if (copy) {
            ec_copy_s8(taps, x, n);
            ec_copy_s8(taps + n, x + step, n);
            from = taps;
            next = n;
        }
        ec_mve_matvec2(m, from, from + next, y, y + p->out_channels);
    }
    if (ox < p->out_width) {
        if (copy) {
            ec_copy_s8(taps, x, n);
            x = taps;
        }
        ec_mve_matvec1(m, x, y);
    }
}

/* The addresses of the rows that an output row needs, NULL outside the image. */
static void find_rows(const ec_conv2d_s8_mve_params *p, const ec_window *in, int32_t row, const int8_t **rows)
{
    const int32_t top = row / p->out_height * p->height;
    int32_t y = row % p->out_height * p->stride_h - p->pad_top;

    EC_SCALAR_LOOP
    for (int32_t k = 0; k < p->kernel_h; k++, y += p->dilation_h) {
        rows[k] = y >= 0 && y < p->height ? ec_row_s8(in, top + y) : NULL;
    }
}

void ec_conv2d_s8_mve(const ec_conv2d_s8_mve_params *p, const ec_window *in, const ec_window *out, int32_t first,
                      int32_t last, void *scratch)
{
    int8_t *taps = (int8_t *)scratch;
    const int32_t n = p->kernel_h * p->kernel_w * p->channels;
    const int8_t *few[EC_MOST_ROWS];
    const int8_t **rows = few;
    const ec_mve_matvec m = {n, p->outputs, p->output_zero, p->lo, p->hi, p->weights, p->ends, 0};

    if (p->kernel_h > EC_MOST_ROWS) {
        rows = (const int8_t **)(void *)(taps + (2 * n + 7) / 8 * 8);
    }
    for (int32_t row = first; row < last; row++) {
        int8_t *y = (int8_t *)ec_row(out, row);
        int32_t x0 = -p->pad_left;
        int32_t ox = 0;

        find_rows(p, in, row, rows);
        if (p->direct) {
            direct_row(p, &m, rows[0], y, taps);
            continue;
        }
        for (; ox + 2 <= p->out_width; ox += 2, x0 += 2 * p->stride_w, y += 2 * p->out_channels) {
            gather(p, rows, x0, taps);
            gather(p, rows, x0 + p->stride_w, taps + n);
            ec_mve_matvec2(&m, taps, taps + n, y, y + p->out_channels);
        }
        if (ox < p->out_width) {
            gather(p, rows, x0, taps);
            ec_mve_matvec1(&m, taps, y);
        }
    }
}
