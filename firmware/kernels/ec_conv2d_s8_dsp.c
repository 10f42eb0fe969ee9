#include "ec_conv2d_s8_dsp.h"

#include "ec_dsp_layer.h"

/* Where a pixel's taps lie, and where its results go. rows: per kernel row, the input row, NULL outside the image. */
typedef struct {
    const int8_t **rows;
    int32_t x0; /* column of the first tap */
    int8_t *to;
} pixel;

/* One kernel row of a pixel as it is. */
static void gather_row(const ec_conv2d_s8_dsp_params *p, const int8_t *row, int32_t x0, int8_t *to)
{
    const int32_t c = p->channels;
    const int32_t taps = p->kernel_w;
    const int32_t before = row != NULL ? ec_clamp(-x0, 0, taps) : taps;
    const int32_t inside = ec_clamp(p->width - x0, before, taps) - before;

    if (inside < taps) {
        memset(to, p->input_zero, (size_t)(taps * c));
    }
    if (inside > 0) {
        memcpy(to + before * c, row + (x0 + before) * c, (size_t)(inside * c));
    }
}

/* A pixel's taps as they are, kernel rows `pitch` bytes apart. */
static void gather(const ec_conv2d_s8_dsp_params *p, const pixel *at, int8_t *to, int32_t pitch)
{
    for (int32_t k = 0; k < p->kernel_h; k++, to += pitch) {
        gather_row(p, at->rows[k], at->x0, to);
    }
}

/* One kernel row outside the image, for both vectors of a column. */
static void fill(uint32_t *to, int32_t zero, int32_t n)
{
    const uint32_t pair = ((uint32_t)zero & 0xFFFFu) | (uint32_t)zero << 16;

    for (const uint32_t *end = to + n; to < end; to++) {
        *to = pair;
    }
}

/* The column of two pixels; `spare` takes taps as they are. */
static void column_of(const ec_conv2d_s8_dsp_params *p, const pixel *at, uint32_t *to, int8_t *spare)
{
    const int32_t n = p->kernel_w * p->channels;
    const int32_t last = p->width - p->kernel_w;
    const int inside = at[0].x0 >= 0 && at[0].x0 <= last && at[1].x0 >= 0 && at[1].x0 <= last;

    if (p->row_taps == 0) {
        for (int32_t v = 0; v < 2; v++) {
            gather(p, &at[v], spare, n);
            ec_dsp_expand(to + v, spare, p->taps);
        }
        return;
    }
    for (int32_t k = 0; k < p->kernel_h; k++, to += p->row_taps) {
        const int8_t *a = at[0].rows[k];
        const int8_t *b = at[1].rows[k];
        if (a == NULL && b == NULL) {
            fill(to, p->input_zero, p->row_taps);
        } else if (inside && a != NULL && b != NULL) {
            ec_dsp_expand2(to, a + at[0].x0 * p->channels, b + at[1].x0 * p->channels, n);
        } else {
            gather_row(p, a, at[0].x0, spare);
            ec_dsp_expand(to, spare, n);
            gather_row(p, b, at[1].x0, spare);
            ec_dsp_expand(to + 1, spare, n);
        }
    }
}

/* One pixel by itself. */
static void single(const ec_conv2d_s8_dsp_params *p, const ec_dsp_layer *l, const pixel *at, int8_t *taps)
{
    gather(p, at, taps, p->row_taps != 0 ? p->row_taps : p->kernel_w * p->channels);
    ec_dsp_single_s8(l, taps, at->to);
}

void ec_conv2d_s8_dsp(const ec_conv2d_s8_dsp_params *p, const ec_window *in, const ec_window *out, int32_t first,
                      int32_t last, void *scratch)
{
    const ec_dsp_layer l = {p->table, p->taps, p->outputs, p->lo, p->hi, p->offset};
    const int8_t **rows = (const int8_t **)scratch;
    const int32_t together = p->together;
    uint32_t *column = (uint32_t *)(rows + together * p->kernel_h);
    int8_t *spare = (int8_t *)(column + p->taps + 2);
    pixel at[2];
    int32_t waiting = 0;

    for (int32_t row = first; row < last; row++) {
        const int32_t top = row / p->out_height * p->height;
        const int32_t y0 = row % p->out_height * p->stride_h - p->pad_top;
        const int8_t **mine = rows + (row & (together - 1)) * p->kernel_h; /* the row before may have a pixel waiting */
        int8_t *y = (int8_t *)ec_row(out, row);

        for (int32_t k = 0; k < p->kernel_h; k++) {
            const int32_t iy = y0 + k * p->dilation_h;
            mine[k] = iy >= 0 && iy < p->height ? ec_row_s8(in, top + iy) : NULL;
        }
        for (int32_t ox = 0; ox < p->out_width; ox++, y += p->out_channels) {
            at[waiting] = (pixel){mine, ox * p->stride_w - p->pad_left, y};
            if (++waiting < together) {
                continue;
            }
            waiting = 0;
            if (together == 1) {
                single(p, &l, at, (int8_t *)column);
            } else {
                column_of(p, at, column, spare);
                ec_dsp_pair_s8(&l, column, at[0].to, at[1].to);
            }
        }
    }
    if (waiting != 0) {
        single(p, &l, at, (int8_t *)column);
    }
}
