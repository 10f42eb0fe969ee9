#include "ec_conv_transpose2d_s8.h"

#include "ec_neon.h"
#include "ec_wide.h"

/* The input line or column that a tap reads, -1 if there is none. */
static int32_t source(int32_t at, int32_t stride, int32_t size)
{
    const int32_t i = at / stride;
    return at >= 0 && i * stride == at && i < size ? i : -1;
}

/* acc += one tap's products with pixel x. */
static void add_tap(const ec_conv_transpose2d_s8_params *p, const int8_t *x, const int8_t *w, int32_t *acc,
                    int32_t *dots, int16_t *wide)
{
    const int32_t n = p->channels / p->groups;
    const int32_t outputs = p->out_channels / p->groups;

    for (int32_t g = 0; g < p->groups; g++, w += outputs * n) {
        ec_widen_s8(x + g * n, n, p->input_zero, wide);
        ec_wide_dots(wide, w, n, outputs, n, dots);
        for (int32_t o = 0; o < outputs; o++) {
            acc[g * outputs + o] += dots[o];
        }
    }
}

#ifdef EC_HAVE_NEON
/* The outputs that come in eights; returns how many. */
static int32_t finish_eights(const ec_conv_transpose2d_s8_params *p, const int32_t *acc, int8_t *y)
{
    const int32x4_t zero = vdupq_n_s32(p->output_zero);
    int32_t o = 0;

    for (; o + 8 <= p->out_channels; o += 8) {
        const int16x8_t shift = vmovl_s8(vld1_s8(p->shift + o));
        const int32x4_t low =
            ec_neon_requant(vld1q_s32(acc + o), vld1q_s32(p->multiplier + o), vmovl_s16(vget_low_s16(shift)));
        const int32x4_t high =
            ec_neon_requant(vld1q_s32(acc + o + 4), vld1q_s32(p->multiplier + o + 4), vmovl_high_s16(shift));
        const int16x8_t q = vcombine_s16(vqmovn_s32(vaddq_s32(low, zero)), vqmovn_s32(vaddq_s32(high, zero)));
        const int8x8_t least = vmax_s8(vqmovn_s16(q), vdup_n_s8((int8_t)p->lo));
        vst1_s8(y + o, vmin_s8(least, vdup_n_s8((int8_t)p->hi)));
    }
    return o;
}
#endif

void ec_conv_transpose2d_s8(const ec_conv_transpose2d_s8_params *p, const ec_window *in, const ec_window *out,
                            int32_t first, int32_t last, void *scratch)
{
    const int32_t outputs = p->out_channels;
    const int32_t tap = outputs * (p->channels / p->groups);
    int32_t *acc = (int32_t *)scratch;
    int32_t *dots = acc + outputs;
    int16_t *wide = (int16_t *)(dots + outputs / p->groups);

    for (int32_t row = first; row < last; row++) {
        const int32_t image = row / p->out_height;
        const int32_t y0 = row - image * p->out_height + p->pad_top;
        int8_t *y = (int8_t *)ec_row(out, row);

        for (int32_t ox = 0; ox < p->out_width; ox++, y += outputs) {
            memcpy(acc, p->bias, (size_t)outputs * sizeof *acc);
            for (int32_t i = 0; i < p->kernel_h; i++) {
                const int32_t iy = source(y0 - i * p->dilation_h, p->stride_h, p->height);
                if (iy < 0) {
                    continue;
                }
                const int8_t *line = ec_row_s8(in, image * p->height + iy);
                for (int32_t j = 0; j < p->kernel_w; j++) {
                    const int32_t ix = source(ox + p->pad_left - j * p->dilation_w, p->stride_w, p->width);
                    if (ix >= 0) {
                        const int8_t *w = p->weights + (i * p->kernel_w + j) * tap;
                        add_tap(p, line + ix * p->channels, w, acc, dots, wide);
                    }
                }
            }
            int32_t o = 0;
#ifdef EC_HAVE_NEON
            o = finish_eights(p, acc, y);
#endif
            for (; o < outputs; o++) {
                const int32_t q = ec_requant(acc[o], p->multiplier[o], p->shift[o]) + p->output_zero;
                y[o] = (int8_t)ec_clamp(q, p->lo, p->hi);
            }
        }
    }
}
