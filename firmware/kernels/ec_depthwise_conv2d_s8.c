#include "ec_depthwise_conv2d_s8.h"

#include "ec_dot.h"

enum {
    EC_MOST_ROWS = 8,  /* kernel rows whose addresses the stack holds, */
    EC_MOST_TAPS = 16, /* and taps: those of more lie in scratch */
};

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

/* acc[k] += z * w[k]: a tap outside the image. */
static inline void tap_outside(int32_t z, const int8_t *w, int32_t acc[4])
{
#ifdef EC_HAVE_DSP
    const uint32_t ws = ec_word(w);
    const uint32_t w02 = ec_sxtb16(ws);
    const uint32_t w13 = ec_sxtb16(ec_ror(ws, 8));
    acc[0] = ec_smlabb(w02, (uint32_t)z, acc[0]);
    acc[1] = ec_smlabb(w13, (uint32_t)z, acc[1]);
    acc[2] = ec_smlatb(w02, (uint32_t)z, acc[2]);
    acc[3] = ec_smlatb(w13, (uint32_t)z, acc[3]);
#else
    for (int32_t k = 0; k < 4; k++) {
        acc[k] += z * w[k];
    }
#endif
}

/* A pixel whose columns all lie inside the image: its first tap in kernel row i is `offset` behind
 * rows[i], the next is step[i] further; of a row outside all taps are at rows[i], four zeros, and step is 0.
 * One output channel per input channel; returns the channels computed, a multiple of 4. */
static int32_t inner(const ec_depthwise_conv2d_s8_params *p, const int8_t *const *rows, const int32_t *step,
                     int32_t offset, int8_t *y)
{
    const ending e = {p->multiplier, p->shift, p->output_zero, p->lo, p->hi};
    const int32_t kernel_h = p->kernel_h;
    const int32_t kernel_w = p->kernel_w;
    const int32_t channels = p->channels;
    const int8_t *weights = p->weights;
    const int32_t *bias = p->bias;
    int32_t c = 0;

    for (; c + 4 <= channels; c += 4) {
        int32_t acc[4] = {bias[c], bias[c + 1], bias[c + 2], bias[c + 3]};
        const int8_t *w = weights + c;
        for (int32_t i = 0; i < kernel_h; i++, w += kernel_w * channels) {
            const int8_t *x = rows[i] + (step[i] != 0 ? offset + c : 0);
            if (kernel_w == 3) {
                ec_tap_s8(x, w, acc);
                ec_tap_s8(x + step[i], w + channels, acc);
                ec_tap_s8(x + 2 * step[i], w + 2 * channels, acc);
                continue;
            }
            EC_NO_UNROLL
            for (int32_t j = 0; j < kernel_w; j++) {
                ec_tap_s8(x + j * step[i], w + j * channels, acc);
            }
        }
        for (int32_t k = 0; k < 4; k++) {
            y[c + k] = finish(&e, c + k, acc[k]);
        }
    }
    return c;
}

/* Any pixel, by the addresses of all its taps, NULL outside the image, from channel c on. */
static void any(const ec_depthwise_conv2d_s8_params *p, const int8_t *const *taps, int whole, int32_t c, int8_t *y)
{
    const ending e = {p->multiplier, p->shift, p->output_zero, p->lo, p->hi};
    const int32_t n = p->kernel_h * p->kernel_w;
    const int32_t outputs = p->out_channels;
    const int32_t channels = p->channels;
    const int32_t z = p->input_zero;
    const int8_t *weights = p->weights;
    const int32_t *bias = p->bias;

    if (outputs == channels) {
        for (; c + 4 <= channels; c += 4) {
            int32_t acc[4] = {bias[c], bias[c + 1], bias[c + 2], bias[c + 3]};
            const int8_t *w = weights + c;
            EC_NO_UNROLL
            for (int32_t t = 0; t < n && whole; t++, w += channels) {
                ec_tap_s8(taps[t] + c, w, acc);
            }
            EC_NO_UNROLL
            for (int32_t t = 0; t < n && !whole; t++, w += channels) {
                if (taps[t] != NULL) {
                    ec_tap_s8(taps[t] + c, w, acc);
                } else {
                    tap_outside(z, w, acc);
                }
            }
            for (int32_t k = 0; k < 4; k++) {
                y[c + k] = finish(&e, c + k, acc[k]);
            }
        }
    }
    for (const int32_t m = outputs / channels; c < channels; c++) {
        for (int32_t o = c * m; o < (c + 1) * m; o++) {
            int32_t acc = bias[o];
            for (int32_t t = 0; t < n; t++) {
                acc += (taps[t] != NULL ? taps[t][c] : z) * weights[t * outputs + o];
            }
            y[o] = finish(&e, o, acc);
        }
    }
}

/* The addresses of all taps of a pixel, NULL for those outside the image; returns whether there are none of these. */
static int find_taps(const ec_depthwise_conv2d_s8_params *p, const ec_window *in, int32_t top, int32_t y0,
                     int32_t x0, const int8_t **taps)
{
    int whole = 1;

    for (int32_t i = 0; i < p->kernel_h; i++) {
        const int32_t iy = y0 + i * p->dilation_h;
        const int inside = iy >= 0 && iy < p->height;
        const int8_t *src = inside ? ec_row_s8(in, top + iy) : NULL;
        EC_NO_UNROLL
        for (int32_t j = 0; j < p->kernel_w; j++) {
            const int32_t ix = x0 + j * p->dilation_w;
            const int there = inside && ix >= 0 && ix < p->width;
            *taps++ = there ? src + ix * p->channels : NULL;
            whole &= there;
        }
    }
    return whole;
}

void ec_depthwise_conv2d_s8(const ec_depthwise_conv2d_s8_params *p, const ec_window *in,
                            const ec_window *out, int32_t first, int32_t last, void *scratch)
{
    const int32_t n = p->kernel_h * p->kernel_w;
    const int32_t extent = (p->kernel_w - 1) * p->dilation_w;
    const int32_t next = p->dilation_w * p->channels;
    const int8_t *few[EC_MOST_TAPS];
    const int8_t **taps = n <= EC_MOST_TAPS ? few : (const int8_t **)scratch;
    int8_t zeros[4];
    const int simple = p->out_channels == p->channels && p->kernel_w > 1 && p->kernel_h <= EC_MOST_ROWS;

    memset(zeros, p->input_zero, sizeof zeros);
    for (int32_t row = first; row < last; row++) {
        const int32_t image = row / p->out_height;
        const int32_t y0 = row % p->out_height * p->stride_h - p->pad_top;
        const int8_t *rows[EC_MOST_ROWS];
        int32_t step[EC_MOST_ROWS];
        int8_t *y = (int8_t *)ec_row(out, row);

        for (int32_t i = 0; i < p->kernel_h && simple; i++) {
            const int32_t iy = y0 + i * p->dilation_h;
            const int inside = iy >= 0 && iy < p->height;
            rows[i] = inside ? ec_row_s8(in, image * p->height + iy) : zeros;
            step[i] = inside ? next : 0;
        }
        for (int32_t ox = 0; ox < p->out_width; ox++, y += p->out_channels) {
            const int32_t x0 = ox * p->stride_w - p->pad_left;
            int32_t done = 0;

            if (simple && x0 >= 0 && x0 + extent < p->width) {
                done = inner(p, rows, step, x0 * p->channels, y);
            }
            if (done < p->channels) {
                const int whole = find_taps(p, in, image * p->height, y0, x0, taps);
                any(p, taps, whole, done, y);
            }
        }
    }
}
