#include "ec_depthwise_conv2d_s8.h"

#include "ec_dot.h"

static int8_t finish(const ec_depthwise_conv2d_s8_params *p, int32_t o, int32_t acc)
{
    return (int8_t)ec_clamp(ec_requant(acc, p->multiplier[o], p->shift[o]) + p->output_zero, p->lo, p->hi);
}

/* Four channels at once: each tap's word is loaded and widened once. */
static void four(const ec_depthwise_conv2d_s8_params *p, const int8_t *const *taps, int32_t n, int32_t c, int8_t *y)
{
    int32_t a0 = p->bias[c];
    int32_t a1 = p->bias[c + 1];
    int32_t a2 = p->bias[c + 2];
    int32_t a3 = p->bias[c + 3];
    const int8_t *w = p->weights + c;

    for (int32_t t = 0; t < n; t++, w += p->channels) {
        const int8_t *x = taps[t] + c;
#ifdef EC_HAVE_DSP
        const uint32_t xs = ec_word(x);
        const uint32_t ws = ec_word(w);
        const uint32_t x02 = ec_sxtb16(xs);
        const uint32_t w02 = ec_sxtb16(ws);
        const uint32_t x13 = ec_sxtb16(ec_ror(xs, 8));
        const uint32_t w13 = ec_sxtb16(ec_ror(ws, 8));
        a0 = ec_smlabb(x02, w02, a0);
        a1 = ec_smlabb(x13, w13, a1);
        a2 = ec_smlatt(x02, w02, a2);
        a3 = ec_smlatt(x13, w13, a3);
#else
        a0 += x[0] * w[0];
        a1 += x[1] * w[1];
        a2 += x[2] * w[2];
        a3 += x[3] * w[3];
#endif
    }
    y[c] = finish(p, c, a0);
    y[c + 1] = finish(p, c + 1, a1);
    y[c + 2] = finish(p, c + 2, a2);
    y[c + 3] = finish(p, c + 3, a3);
}

static int8_t one(const ec_depthwise_conv2d_s8_params *p, const int8_t *const *taps, int32_t n, int32_t c, int32_t o)
{
    int32_t acc = p->bias[o];
    const int8_t *w = p->weights + o;

    for (int32_t t = 0; t < n; t++, w += p->out_channels) {
        acc += taps[t][c] * *w;
    }
    return finish(p, o, acc);
}

void ec_depthwise_conv2d_s8(const ec_depthwise_conv2d_s8_params *p, const ec_window *in,
                            const ec_window *out, int32_t first, int32_t last, void *scratch)
{
    const int32_t n = p->kernel_h * p->kernel_w;
    const int32_t m = p->out_channels / p->channels;
    const int8_t **taps = (const int8_t **)scratch;
    int8_t *zeros = (int8_t *)scratch + 8 * n; /* what lies outside the image */

    memset(zeros, p->input_zero, (size_t)p->channels);
    for (int32_t row = first; row < last; row++) {
        const int32_t image = row / p->out_height;
        const int32_t y0 = row % p->out_height * p->stride_h - p->pad_top;
        int8_t *y = (int8_t *)ec_row(out, row);

        for (int32_t ox = 0; ox < p->out_width; ox++, y += p->out_channels) {
            const int32_t x0 = ox * p->stride_w - p->pad_left;
            int32_t t = 0;
            int32_t c = 0;

            for (int32_t i = 0; i < p->kernel_h; i++) {
                const int32_t iy = y0 + i * p->dilation_h;
                const int inside = iy >= 0 && iy < p->height;
                const int8_t *src = inside ? ec_row_s8(in, image * p->height + iy) : zeros;
                for (int32_t j = 0; j < p->kernel_w; j++, t++) {
                    const int32_t ix = x0 + j * p->dilation_w;
                    taps[t] = inside && ix >= 0 && ix < p->width ? src + ix * p->channels : zeros;
                }
            }
            if (m == 1) {
                for (; c + 4 <= p->channels; c += 4) {
                    four(p, taps, n, c, y);
                }
            }
            for (; c < p->channels; c++) {
                for (int32_t k = 0; k < m; k++) {
                    y[c * m + k] = one(p, taps, n, c, c * m + k);
                }
            }
        }
    }
}
