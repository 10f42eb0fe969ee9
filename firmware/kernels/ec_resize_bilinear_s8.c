#include "ec_resize_bilinear_s8.h"

#include "ec_mve.h"
#include "ec_neon.h"

/* Between which two of `size` pixels a position lies, and how far behind the first, in 1/1024. */
typedef struct {
    int32_t before;
    int32_t behind;
    int32_t weight;
} place;

static place place_of(int32_t i, int32_t scale, int32_t offset, int32_t size)
{
    const int32_t at = ec_clamp(i * scale + offset, 0, (size - 1) * 1024);
    place p;
    p.before = at / 1024;
    p.behind = (at + 1023) / 1024;
    p.weight = at % 1024;
    return p;
}

#ifdef EC_HAVE_NEON
/* Four values between a and b, `to` 1024ths behind a. */
EC_INLINE int32x4_t between(int16x4_t a, int16x4_t b, int16_t to)
{
    return vmlal_n_s16(vmull_n_s16(a, (int16_t)(1024 - to)), b, to);
}

/* The channels that come in eights, h and v behind the pixel at the upper left; returns how many. */
static int32_t eights(const int8_t *const corner[4], int32_t n, int32_t h, int32_t v, int8_t *y)
{
    int32_t c = 0;

    for (; c + 8 <= n; c += 8) {
        int16x8_t x[4];
        int32x4_t s[2];
#pragma GCC unroll 4
        for (int k = 0; k < 4; k++) {
            x[k] = vmovl_s8(vld1_s8(corner[k] + c));
        }
        s[0] = vmulq_n_s32(between(vget_low_s16(x[0]), vget_low_s16(x[1]), (int16_t)h), 1024 - v);
        s[0] = vmlaq_n_s32(s[0], between(vget_low_s16(x[2]), vget_low_s16(x[3]), (int16_t)h), v);
        s[1] = vmulq_n_s32(between(vget_high_s16(x[0]), vget_high_s16(x[1]), (int16_t)h), 1024 - v);
        s[1] = vmlaq_n_s32(s[1], between(vget_high_s16(x[2]), vget_high_s16(x[3]), (int16_t)h), v);
        s[0] = ec_neon_rshift(s[0], vdupq_n_s32(-20));
        s[1] = ec_neon_rshift(s[1], vdupq_n_s32(-20));
        vst1_s8(y + c, vmovn_s16(vmovn_high_s32(vmovn_s32(s[0]), s[1])));
    }
    return c;
}
#endif

void ec_resize_bilinear_s8(const ec_resize_bilinear_s8_params *p, const ec_window *in, const ec_window *out,
                           int32_t first, int32_t last, void *scratch)
{
    const int32_t n = p->channels;
    (void)scratch;

    for (int32_t row = first; row < last; row++) {
        const int32_t image = row / p->out_height;
        const place v = place_of(row - image * p->out_height, p->scale_y, p->offset_y, p->height);
        const int8_t *above = ec_row_s8(in, image * p->height + v.before);
        const int8_t *below = ec_row_s8(in, image * p->height + v.behind);
        int8_t *y = (int8_t *)ec_row(out, row);

        for (int32_t i = 0; i < p->out_width; i++, y += n) {
            const place h = place_of(i, p->scale_x, p->offset_x, p->width);
            const int32_t w00 = (1024 - v.weight) * (1024 - h.weight);
            const int32_t w01 = (1024 - v.weight) * h.weight;
            const int32_t w10 = v.weight * (1024 - h.weight);
            const int32_t w11 = v.weight * h.weight;
            int32_t c = 0;
#ifdef EC_HAVE_NEON
            const int8_t *const corner[4] = {above + h.before * n, above + h.behind * n, below + h.before * n,
                                             below + h.behind * n};
            c = eights(corner, n, h.weight, v.weight, y);
#endif
#ifdef EC_HAVE_MVE
            for (; c < n; c += 4) {
                const mve_pred16_t live = vctp32q((uint32_t)(n - c));
                int32x4_t s = vmulq_n_s32(vldrbq_z_s32(above + h.before * n + c, live), w00);
                s = vmlaq_n_s32(s, vldrbq_z_s32(above + h.behind * n + c, live), w01);
                s = vmlaq_n_s32(s, vldrbq_z_s32(below + h.before * n + c, live), w10);
                s = vmlaq_n_s32(s, vldrbq_z_s32(below + h.behind * n + c, live), w11);
                vstrbq_p_s32(y + c, vrshrq_n_s32(vaddq_s32(s, vshrq_n_s32(s, 31)), 20), live);
            }
#endif
            for (; c < n; c++) {
                const int32_t left = h.before * n + c;
                const int32_t right = h.behind * n + c;
                const int32_t s = above[left] * w00 + above[right] * w01 + below[left] * w10 + below[right] * w11;
                y[c] = (int8_t)((s + (s > 0 ? 1 << 19 : -(1 << 19))) / (1 << 20));
            }
        }
    }
}
