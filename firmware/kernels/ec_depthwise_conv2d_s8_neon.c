#include "ec_depthwise_conv2d_s8_neon.h"

#include "ec_neon.h"

typedef ec_depthwise_conv2d_s8_neon_params params;

/* Where the taps of every pixel of a row begin; those outside the image are at `outside`. */
static void find_taps(const params *p, const ec_window *in, int32_t row, const int8_t *outside, const int8_t **taps)
{
    const int32_t image = row / p->out_height;
    const int32_t y0 = row % p->out_height * p->stride_h - p->pad_top;
    const int32_t n = p->kernel_h * p->kernel_w;

    for (int32_t i = 0; i < p->kernel_h; i++) {
        const int32_t y = y0 + i * p->dilation_h;
        const int8_t *src = y >= 0 && y < p->height ? ec_row_s8(in, image * p->height + y) : NULL;
        for (int32_t j = 0; j < p->kernel_w; j++) {
            const int8_t **to = taps + i * p->kernel_w + j;
            int32_t x = j * p->dilation_w - p->pad_left;
            for (int32_t ox = 0; ox < p->out_width; ox++, to += n, x += p->stride_w) {
                *to = src != NULL && x >= 0 && x < p->width ? src + x * p->channels : outside;
            }
        }
    }
}

#ifdef EC_HAVE_NEON
EC_INLINE int8x8_t finish(const params *p, int32_t c, int32x4_t a, int32x4_t b)
{
    const int32x4_t zero = vdupq_n_s32(p->output_zero);
    const int32x4_t low = ec_neon_requant(a, vld1q_s32(p->multiplier + c), vld1q_s32(p->shift + c));
    const int32x4_t high = ec_neon_requant(b, vld1q_s32(p->multiplier + c + 4), vld1q_s32(p->shift + c + 4));
    const int16x8_t both = vcombine_s16(vqmovn_s32(vaddq_s32(low, zero)), vqmovn_s32(vaddq_s32(high, zero)));

    return vmin_s8(vmax_s8(vqmovn_s16(both), vdup_n_s8((int8_t)p->lo)), vdup_n_s8((int8_t)p->hi));
}

/* Channels c .. c+15 of a row; n taps. */
EC_INLINE void sixteen(const params *p, const int8_t *const *taps, int8_t *y, int32_t c, int32_t n)
{
    const int32_t step = p->channels;
    const int8_t *weights = p->weights + c;

    for (int32_t ox = 0; ox < p->out_width; ox++, taps += n, y += step) {
        const int8_t *w = weights;
        int32x4_t acc[4];
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++) {
            acc[i] = vld1q_s32(p->bias + c + 4 * i);
        }
#pragma GCC unroll 5
        for (int32_t k = 0; k < n; k += 2, w += 2 * step) {
            const int8x16_t x = vld1q_s8(taps[k] + c);
            const int8x16_t u = vld1q_s8(w);
            int16x8_t low = vmull_s8(vget_low_s8(x), vget_low_s8(u));
            int16x8_t high = vmull_high_s8(x, u);
            if (k + 1 < n) {
                const int8x16_t x1 = vld1q_s8(taps[k + 1] + c);
                const int8x16_t u1 = vld1q_s8(w + step);
                low = vmlal_s8(low, vget_low_s8(x1), vget_low_s8(u1));
                high = vmlal_high_s8(high, x1, u1);
            }
            acc[0] = vaddw_s16(acc[0], vget_low_s16(low));
            acc[1] = vaddw_high_s16(acc[1], low);
            acc[2] = vaddw_s16(acc[2], vget_low_s16(high));
            acc[3] = vaddw_high_s16(acc[3], high);
        }
        vst1q_s8(y + c, vcombine_s8(finish(p, c, acc[0], acc[1]), finish(p, c + 8, acc[2], acc[3])));
    }
}

/* Channels c .. c+7 of a row; n taps. */
EC_INLINE void eight(const params *p, const int8_t *const *taps, int8_t *y, int32_t c, int32_t n)
{
    const int32_t step = p->channels;
    const int8_t *weights = p->weights + c;

    for (int32_t ox = 0; ox < p->out_width; ox++, taps += n, y += step) {
        const int8_t *w = weights;
        int32x4_t a = vld1q_s32(p->bias + c);
        int32x4_t b = vld1q_s32(p->bias + c + 4);
#pragma GCC unroll 5
        for (int32_t k = 0; k < n; k += 2, w += 2 * step) {
            int16x8_t sum = vmull_s8(vld1_s8(taps[k] + c), vld1_s8(w));
            if (k + 1 < n) {
                sum = vmlal_s8(sum, vld1_s8(taps[k + 1] + c), vld1_s8(w + step));
            }
            a = vaddw_s16(a, vget_low_s16(sum));
            b = vaddw_high_s16(b, sum);
        }
        vst1_s8(y + c, finish(p, c, a, b));
    }
}
#endif

static void one_channel(const params *p, const int8_t *const *taps, int8_t *y, int32_t c, int32_t n)
{
    for (int32_t ox = 0; ox < p->out_width; ox++, taps += n, y += p->channels) {
        int32_t acc = p->bias[c];
        for (int32_t k = 0; k < n; k++) {
            acc += taps[k][c] * p->weights[k * p->channels + c];
        }
        acc = ec_requant(acc, p->multiplier[c], p->shift[c]) + p->output_zero;
        y[c] = (int8_t)ec_clamp(acc, p->lo, p->hi);
    }
}

void ec_depthwise_conv2d_s8_neon(const ec_depthwise_conv2d_s8_neon_params *p, const ec_window *in,
                                 const ec_window *out, int32_t first, int32_t last, void *scratch)
{
    const params here = *p;
    const int32_t n = here.kernel_h * here.kernel_w;
    const int8_t **taps = (const int8_t **)scratch;
    int8_t *outside = (int8_t *)(taps + n * here.out_width);

    memset(outside, here.input_zero, (size_t)here.channels);
    for (int32_t row = first; row < last; row++) {
        int8_t *y = (int8_t *)ec_row(out, row);
        int32_t c = 0;
        find_taps(&here, in, row, outside, taps);
#ifdef EC_HAVE_NEON
        for (; c + 16 <= here.channels; c += 16) {
            if (n == 9) {
                sixteen(&here, taps, y, c, 9);
            } else {
                sixteen(&here, taps, y, c, n);
            }
        }
        if (c + 8 <= here.channels) {
            if (n == 9) {
                eight(&here, taps, y, c, 9);
            } else {
                eight(&here, taps, y, c, n);
            }
            c += 8;
        }
#endif
        for (; c < here.channels; c++) {
            one_channel(&here, taps, y, c, n);
        }
    }
}
