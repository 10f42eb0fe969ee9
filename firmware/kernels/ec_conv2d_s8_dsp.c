#include "ec_conv2d_s8_dsp.h"

#include "ec_dsp_layer.h"

/* Where a pixel's taps begin in the input, and where its results go. */
typedef struct {
    int32_t top; /* input row of the image's first row */
    int32_t y0;
    int32_t x0;
    int8_t *to;
} pixel;

/* One kernel row of a pixel: taps outside the image in front, inside, and behind, in columns; src is NULL where
 * all are outside. */
typedef struct {
    const int8_t *src;
    int32_t before;
    int32_t inside;
} run;

static run run_of(const ec_conv2d_s8_dsp_params *p, const ec_window *in, const pixel *at, int32_t k)
{
    const int32_t y = at->y0 + k * p->dilation_h;
    run r = {NULL, p->kernel_w, 0};

    if (y >= 0 && y < p->height) {
        r.before = ec_clamp(-at->x0, 0, p->kernel_w);
        r.inside = ec_clamp(p->width - at->x0, r.before, p->kernel_w) - r.before;
        r.src = ec_row_s8(in, at->top + y) + (at->x0 + r.before) * p->channels;
    }
    return r;
}

/* A pixel's taps as they are. */
static void gather(const ec_conv2d_s8_dsp_params *p, const ec_window *in, const pixel *at, int8_t *to)
{
    const int32_t c = p->channels;

    for (int32_t k = 0; k < p->kernel_h; k++, to += p->kernel_w * c) {
        const run r = run_of(p, in, at, k);
        if (r.inside < p->kernel_w) {
            memset(to, p->input_zero, (size_t)(p->kernel_w * c));
        }
        if (r.inside > 0) {
            memcpy(to + r.before * c, r.src, (size_t)(r.inside * c));
        }
    }
}

static uint32_t *fill(uint32_t *to, int32_t zero, int32_t n)
{
    const uint32_t pair = ((uint32_t)zero & 0xFFFFu) | (uint32_t)zero << 16;

    for (const uint32_t *end = to + n; to < end; to += 4) {
        to[0] = pair;
        to[2] = pair;
    }
    return to;
}

/* A pixel's taps into its vector of a column. */
static void expand(const ec_conv2d_s8_dsp_params *p, const ec_window *in, const pixel *at, uint32_t *to)
{
    const int32_t c = p->channels;

    for (int32_t k = 0; k < p->kernel_h; k++) {
        const run r = run_of(p, in, at, k);
        to = fill(to, p->input_zero, r.before * c);
        if (r.inside > 0) {
            ec_dsp_expand(to, r.src, r.inside * c);
            to += r.inside * c;
        }
        to = fill(to, p->input_zero, (p->kernel_w - r.before - r.inside) * c);
    }
}

static int is_inside(const ec_conv2d_s8_dsp_params *p, const pixel *at)
{
    return at->x0 >= 0 && at->x0 + p->kernel_w <= p->width && at->y0 >= 0 &&
           at->y0 + (p->kernel_h - 1) * p->dilation_h < p->height;
}

/* The column of two pixels. */
static void column_of(const ec_conv2d_s8_dsp_params *p, const ec_window *in, const pixel *at, uint32_t *to)
{
    const int32_t row = p->kernel_w * p->channels;

    if ((p->channels & 3) != 0) {
        int8_t *taps = (int8_t *)(to + p->taps + 2);
        for (int32_t v = 0; v < 2; v++) {
            gather(p, in, &at[v], taps);
            ec_dsp_expand(to + v, taps, p->taps);
        }
    } else if (is_inside(p, &at[0]) && is_inside(p, &at[1])) {
        for (int32_t k = 0; k < p->kernel_h; k++, to += row) {
            const int32_t down = k * p->dilation_h;
            const int8_t *a = ec_row_s8(in, at[0].top + at[0].y0 + down);
            const int8_t *b = ec_row_s8(in, at[1].top + at[1].y0 + down);
            ec_dsp_expand2(to, a + at[0].x0 * p->channels, b + at[1].x0 * p->channels, row);
        }
    } else {
        expand(p, in, &at[0], to);
        expand(p, in, &at[1], to + 1);
    }
}

void ec_conv2d_s8_dsp(const ec_conv2d_s8_dsp_params *p, const ec_window *in, const ec_window *out, int32_t first,
                      int32_t last, void *scratch)
{
    const ec_dsp_layer l = {p->table, p->taps, p->out_channels, p->lo, p->hi};
    uint32_t *column = (uint32_t *)scratch;
    pixel at[2];
    int32_t waiting = 0;

    for (int32_t row = first; row < last; row++) {
        int8_t *y = (int8_t *)ec_row(out, row);
        const int32_t top = row / p->out_height * p->height;
        const int32_t y0 = row % p->out_height * p->stride_h - p->pad_top;

        for (int32_t ox = 0; ox < p->out_width; ox++, y += p->out_channels) {
            at[waiting] = (pixel){top, y0, ox * p->stride_w - p->pad_left, y};
            if (++waiting == 2) {
                column_of(p, in, at, column);
                ec_dsp_pair_s8(&l, column, at[0].to, at[1].to);
                waiting = 0;
            }
        }
    }
    if (waiting != 0) {
        gather(p, in, at, (int8_t *)column);
        ec_dsp_single_s8(&l, (const int8_t *)column, at[0].to);
    }
}
