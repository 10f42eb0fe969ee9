#include "ec_depthwise_conv2d_s8.h"

#include "ec_dot.h"

enum { EC_MOST_ROWS = 16 }; /* kernel rows that the stack has pointers to */

/* What the end of every sum needs; a copy, for a store to y could change the parameters, as far
 * as the compiler knows. */
typedef struct {
    const int32_t *multiplier;
    const int8_t *shift;
    int32_t zero;
    int32_t lo;
    int32_t hi;
} ending;

static inline int8_t finish(const ending *e, int32_t o, int32_t acc)
{
    return (int8_t)ec_clamp(ec_requant(acc, e->multiplier[o], e->shift[o]) + e->zero, e->lo, e->hi);
}

/* acc[k] += x[k] * w[k] for four channels: each word is loaded and widened once. */
static inline void tap(const int8_t *x, const int8_t *w, int32_t acc[4])
{
#ifdef EC_HAVE_DSP
    const uint32_t xs = ec_word(x);
    const uint32_t ws = ec_word(w);
    const uint32_t x02 = ec_sxtb16(xs);
    const uint32_t w02 = ec_sxtb16(ws);
    const uint32_t x13 = ec_sxtb16(ec_ror(xs, 8));
    const uint32_t w13 = ec_sxtb16(ec_ror(ws, 8));
    acc[0] = ec_smlabb(x02, w02, acc[0]);
    acc[1] = ec_smlabb(x13, w13, acc[1]);
    acc[2] = ec_smlatt(x02, w02, acc[2]);
    acc[3] = ec_smlatt(x13, w13, acc[3]);
#else
    for (int32_t k = 0; k < 4; k++) {
        acc[k] += x[k] * w[k];
    }
#endif
}

/* A pixel: kernel row i reads the image row at rows[i], NULL for one outside the image. Its taps
 * before .. after - 1 lie inside the image, the first of them `offset` bytes behind the row's beginning. */
typedef struct {
    const int8_t *const *rows;
    int32_t offset;
    int32_t before;
    int32_t after;
    int whole; /* all do */
} pixel;

/* One output channel per input channel, four at once; returns the channels computed, a multiple of 4. */
static int32_t fours(const ec_depthwise_conv2d_s8_params *p, const pixel *at, const int8_t *zeros, int8_t *y)
{
    const ending e = {p->multiplier, p->shift, p->output_zero, p->lo, p->hi};
    const int32_t kernel_h = p->kernel_h;
    const int32_t kernel_w = p->kernel_w;
    const int32_t channels = p->channels;
    const int32_t next = p->dilation_w * channels;
    const int8_t *weights = p->weights;
    const int32_t *bias = p->bias;
    const pixel q = *at;
    int32_t c = 0;

    for (; c + 4 <= channels; c += 4) {
        int32_t acc[4] = {bias[c], bias[c + 1], bias[c + 2], bias[c + 3]};
        const int8_t *w = weights + c;
        for (int32_t i = 0; i < kernel_h; i++, w += kernel_w * channels) {
            const int8_t *x = q.rows[i] != NULL ? q.rows[i] + q.offset + c : zeros;
            if (q.whole && kernel_w == 3) {
                const int32_t step = q.rows[i] != NULL ? next : 0;
                tap(x, w, acc);
                tap(x + step, w + channels, acc);
                tap(x + 2 * step, w + 2 * channels, acc);
                continue;
            }
            const int32_t before = q.rows[i] != NULL ? q.before : kernel_w;
            const int32_t after = q.rows[i] != NULL ? q.after : kernel_w;
            int32_t j = 0;
            EC_NO_UNROLL
            for (; j < before; j++) {
                tap(zeros, w + j * channels, acc);
            }
            EC_NO_UNROLL
            for (; j < after; j++, x += next) {
                tap(x, w + j * channels, acc);
            }
            EC_NO_UNROLL
            for (; j < kernel_w; j++) {
                tap(zeros, w + j * channels, acc);
            }
        }
        for (int32_t k = 0; k < 4; k++) {
            y[c + k] = finish(&e, c + k, acc[k]);
        }
    }
    return c;
}

/* The channels from c on, any number of output channels for each. */
static void ones(const ec_depthwise_conv2d_s8_params *p, const pixel *at, int32_t c, int8_t *y)
{
    const ending e = {p->multiplier, p->shift, p->output_zero, p->lo, p->hi};
    const int32_t next = p->dilation_w * p->channels;
    const int32_t m = p->out_channels / p->channels;

    for (; c < p->channels; c++) {
        for (int32_t o = c * m; o < (c + 1) * m; o++) {
            const int8_t *w = p->weights + o;
            int32_t acc = p->bias[o];
            for (int32_t i = 0; i < p->kernel_h; i++) {
                const int8_t *x = at->rows[i];
                for (int32_t j = 0; j < p->kernel_w; j++, w += p->out_channels) {
                    const int inside = x != NULL && j >= at->before && j < at->after;
                    acc += (inside ? x[at->offset + (j - at->before) * next + c] : p->input_zero) * *w;
                }
            }
            y[o] = finish(&e, o, acc);
        }
    }
}

void ec_depthwise_conv2d_s8(const ec_depthwise_conv2d_s8_params *p, const ec_window *in,
                            const ec_window *out, int32_t first, int32_t last, void *scratch)
{
    const int8_t *few[EC_MOST_ROWS];
    const int8_t **rows = p->kernel_h <= EC_MOST_ROWS ? few : (const int8_t **)scratch;
    const int32_t d = p->dilation_w;
    const int32_t taps = p->kernel_w;
    int8_t zeros[4]; /* what lies outside the image */

    memset(zeros, p->input_zero, sizeof zeros);
    for (int32_t row = first; row < last; row++) {
        const int32_t image = row / p->out_height;
        const int32_t y0 = row % p->out_height * p->stride_h - p->pad_top;
        int8_t *y = (int8_t *)ec_row(out, row);

        for (int32_t i = 0; i < p->kernel_h; i++) {
            const int32_t iy = y0 + i * p->dilation_h;
            rows[i] = iy >= 0 && iy < p->height ? ec_row_s8(in, image * p->height + iy) : NULL;
        }
        for (int32_t ox = 0; ox < p->out_width; ox++, y += p->out_channels) {
            const int32_t x0 = ox * p->stride_w - p->pad_left;
            const int32_t before = x0 < 0 ? ec_min((d - 1 - x0) / d, taps) : 0;
            const int32_t after = x0 + (taps - 1) * d < p->width ? taps : (p->width - x0 + d - 1) / d;
            const pixel at = {rows, (x0 + before * d) * p->channels, before, ec_max(before, after),
                              before == 0 && after == taps};
            int32_t done = 0;

            if (p->out_channels == p->channels) {
                done = fours(p, &at, zeros, y);
            }
            ones(p, &at, done, y);
        }
    }
}
