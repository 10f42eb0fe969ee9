#include "ec_conv2d_s8.h"

#include "ec_matvec.h"

/* Gathers the taps of one kernel row as [kernel_w][channels]; src is NULL above and below the image. */
static void gather_row(const ec_conv2d_s8_params *p, const int8_t *src, int32_t x0, int8_t *to)
{
    const int32_t c = p->channels;
    const int32_t taps = p->kernel_w;

    if (src != NULL && p->dilation_w == 1) {
        const int32_t before = ec_clamp(-x0, 0, taps);
        const int32_t inside = ec_clamp(p->width - x0, before, taps) - before;
        memset(to, p->input_zero, (size_t)(before * c));
        memcpy(to + before * c, src + (x0 + before) * c, (size_t)(inside * c));
        memset(to + (before + inside) * c, p->input_zero, (size_t)((taps - before - inside) * c));
        return;
    }
    for (int32_t k = 0; k < taps; k++) {
        const int32_t x = x0 + k * p->dilation_w;
        if (src != NULL && x >= 0 && x < p->width) {
            memcpy(to + k * c, src + x * c, (size_t)c);
        } else {
            memset(to + k * c, p->input_zero, (size_t)c);
        }
    }
}

/* The same as [groups][kernel_h][kernel_w][channels / groups]; `to` is that of the kernel row. */
static void gather_groups(const ec_conv2d_s8_params *p, const int8_t *src, int32_t x0, int8_t *to)
{
    const int32_t c = p->channels / p->groups;

    for (int32_t g = 0; g < p->groups; g++, to += p->kernel_h * p->kernel_w * c) {
        for (int32_t k = 0; k < p->kernel_w; k++) {
            const int32_t x = x0 + k * p->dilation_w;
            if (src != NULL && x >= 0 && x < p->width) {
                memcpy(to + k * c, src + x * p->channels + g * c, (size_t)c);
            } else {
                memset(to + k * c, p->input_zero, (size_t)c);
            }
        }
    }
}

static void gather(const ec_conv2d_s8_params *p, const ec_window *in, int32_t image, int32_t y0, int32_t x0,
                   int8_t *taps)
{
    const int32_t row_taps = p->kernel_w * (p->channels / p->groups);

    for (int32_t k = 0; k < p->kernel_h; k++) {
        const int32_t y = y0 + k * p->dilation_h;
        const int8_t *src = y >= 0 && y < p->height ? ec_row_s8(in, image * p->height + y) : NULL;
        if (p->groups == 1) {
            gather_row(p, src, x0, taps + k * row_taps);
        } else {
            gather_groups(p, src, x0, taps + k * row_taps);
        }
    }
}

/* Where the taps of a pixel lie side by side in one row they need no gathering. */
static void direct_row(const ec_conv2d_s8_params *p, const ec_matvec *m, const int8_t *x, int8_t *y,
                       int8_t *taps)
{
    const int32_t step = p->stride_w * p->channels;
    const size_t n = (size_t)m->inputs;
    const int copy = ec_overlaps(x, p->width * p->channels, y, p->out_width * p->out_channels);

    for (int32_t ox = 0; ox < p->out_width; ox++, x += step, y += p->out_channels) {
        ec_matvec_s8(m, copy ? (const int8_t *)memcpy(taps, x, n) : x, y);
    }
}

void ec_conv2d_s8(const ec_conv2d_s8_params *p, const ec_window *in, const ec_window *out, int32_t first,
                  int32_t last, void *scratch)
{
    int8_t *taps = (int8_t *)scratch;
    const int32_t group_taps = p->kernel_h * p->kernel_w * (p->channels / p->groups);
    const int32_t group_outputs = p->outputs / p->groups;
    const ec_matvec all = {group_taps, group_outputs, p->output_zero, p->lo,   p->hi,
                           p->weights, p->bias,       p->multiplier,  p->shift};

    for (int32_t row = first; row < last; row++) {
        const int32_t image = row / p->out_height;
        const int32_t y0 = row % p->out_height * p->stride_h - p->pad_top;
        int8_t *y = (int8_t *)ec_row(out, row);

        if (p->direct) {
            direct_row(p, &all, ec_row_s8(in, image * p->height + y0), y, taps);
            continue;
        }
        for (int32_t ox = 0; ox < p->out_width; ox++, y += p->out_channels) {
            gather(p, in, image, y0, ox * p->stride_w - p->pad_left, taps);
            for (int32_t g = 0; g < p->groups; g++) {
                ec_matvec m = all;
                m.weights += g * group_outputs * group_taps;
                m.bias += g * group_outputs;
                m.multiplier += g * group_outputs;
                m.shift += g * group_outputs;
                ec_matvec_s8(&m, taps + g * group_taps, y + g * group_outputs);
            }
        }
    }
}
