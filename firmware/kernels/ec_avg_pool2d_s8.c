#include "ec_avg_pool2d_s8.h"

#include "ec_mve.h"
#include "ec_pool2d.h"
#include "ec_pool_neon.h"

static int32_t sum_of(const ec_taps *t, int32_t k)
{
    int32_t sum = 0;
    for (int32_t ky = t->ky0; ky < t->kye; ky++) {
        const int8_t *x = ec_taps_row(t, ky) + k;
        for (int32_t n = t->columns; n > 0; n--, x += t->step) {
            sum += *x;
        }
    }
    return sum;
}

#ifdef EC_HAVE_DSP

/* The same for channels k .. k + 3. Every tap is multiplied with one: halves of words could not hold so many. */
static void sums4_of(const ec_taps *t, int32_t k, int32_t sum[4])
{
    int32_t s0 = 0;
    int32_t s1 = 0;
    int32_t s2 = 0;
    int32_t s3 = 0;
    for (int32_t ky = t->ky0; ky < t->kye; ky++) {
        const int8_t *x = ec_taps_row(t, ky) + k;
        EC_NO_UNROLL
        for (int32_t n = t->columns; n > 0; n--, x += t->step) {
            const uint32_t w = ec_word(x);
            const uint32_t even = ec_sxtb16(w);
            const uint32_t odd = ec_sxtb16(ec_ror(w, 8));
            s0 = ec_smlabb(even, 1u, s0);
            s1 = ec_smlabb(odd, 1u, s1);
            s2 = ec_smlatb(even, 1u, s2);
            s3 = ec_smlatb(odd, 1u, s3);
        }
    }
    sum[0] = s0;
    sum[1] = s1;
    sum[2] = s2;
    sum[3] = s3;
}

#elif defined(EC_HAVE_NEON)

/* Up to so many taps a division is a product with inverse(count): what that is too large by, times the dividend, at
 * most 129 * count, stays below 2^31. */
enum { MOST_TAPS = 4000 };

/* 2^31 / count, rounded up; count is at least 2. */
static inline int32_t inverse(int32_t count)
{
    return (int32_t)((UINT32_C(0x7FFFFFFF) + (uint32_t)count) / (uint32_t)count);
}

/* mean of four sums. */
static inline int32x4_t means(int32x4_t sum, int32_t count, int32_t inverse_count)
{
    const int32x4_t sign = vshrq_n_s32(sum, 31);
    const int32x4_t dividend = vaddq_s32(vabsq_s32(sum), vdupq_n_s32(count / 2));
    return vsubq_s32(veorq_s32(vqdmulhq_n_s32(dividend, inverse_count), sign), sign);
}

/* The results of `channels` channels from k on, of `count` taps, the sum of which begins with `padding`. */
EC_INLINE int32_t put_means(const ec_avg_pool2d_s8_params *p, const ec_taps *t, int32_t k, int32_t padding,
                            int32_t count, int32_t inverse_count, int8_t *y, int channels)
{
    int32x4_t sum[4];

    sum[0] = sum[1] = sum[2] = sum[3] = vdupq_n_s32(padding);
    for (int32_t ky = t->ky0; ky < t->kye; ky++) {
        ec_neon_add_line(ec_taps_row(t, ky) + k, t->step, t->columns, sum, channels);
    }
#pragma GCC unroll 4
    for (int i = 0; i < channels / 4; i++) {
        sum[i] = means(sum[i], count, inverse_count);
    }
    ec_neon_store_s8(y + k, ec_neon_clamp8(ec_neon_narrow(sum), p->lo, p->hi), channels);
    return channels;
}

#endif

#ifdef EC_HAVE_MVE

/* Sums divided by `count`, rounded half away from zero; inverse: 2^32 / count, rounded up. Exact as long as 129 times
 * the square of count stays below 2^32. */
static int32x4_t means(int32x4_t sum, int32_t half, uint32_t inverse)
{
    const uint32x4_t by = vdupq_n_u32(inverse);
    const int32x4_t size = vaddq_n_s32(vabsq_s32(sum), half);
    const int32x4_t q = vreinterpretq_s32_u32(vmulhq_u32(vreinterpretq_u32_s32(size), by));

    return vnegq_m_s32(q, q, vcmpltq_n_s32(sum, 0));
}

enum { MOST = 256 }; /* taps, the sum of which fits 16 bits */

/* The results of n channels: the taps' sums and `padding`, divided by `count`, 2 to MOST. */
static void pixel(const ec_taps *t, int32_t n, int32_t padding, int32_t count, int32_t lo, int32_t hi, int8_t *y)
{
    const uint32_t inverse = UINT32_MAX / (uint32_t)count + 1u;
    const int32_t half = count / 2;
    const int16x8_t least = vdupq_n_s16((int16_t)lo);
    const int16x8_t most = vdupq_n_s16((int16_t)hi);

    for (int32_t k = 0; k < n; k += 8) {
        const mve_pred16_t p = vctp16q((uint32_t)(n - k));
        int16x8_t sum = vdupq_n_s16((int16_t)padding);
        for (int32_t ky = t->ky0; ky < t->kye; ky++) {
            const int8_t *x = ec_taps_row(t, ky) + k;
            EC_SCALAR_LOOP
            for (int32_t i = t->columns; i > 0; i--, x += t->step) {
                sum = vaddq_s16(sum, vldrbq_z_s16(x, p));
            }
        }
        const int32x4_t even = means(vmovlbq_s16(sum), half, inverse);
        sum = vmovntq_s32(vmovnbq_s32(sum, even), means(vmovltq_s16(sum), half, inverse));
        vstrbq_p_s16(y + k, vminq_s16(vmaxq_s16(sum, least), most), p);
    }
}

#endif

/* Rounded half away from zero; 0 of none. */
static inline int32_t mean(int32_t sum, int32_t count)
{
    const int32_t half = count / 2;
    return count == 0 ? 0 : (sum < 0 ? sum - half : sum + half) / count;
}

void ec_avg_pool2d_s8(const ec_avg_pool2d_s8_params *p, const ec_window *in, const ec_window *out,
                      int32_t first, int32_t last, void *scratch)
{
    const int32_t c = p->channels;

    (void)scratch;
    for (int32_t row = first; row < last; row++) {
        ec_taps t = ec_taps_of_row(in, row / p->out_height * p->height,
                                   row % p->out_height * p->stride_h - p->pad_top, 1, p->kernel_h, p->height);
        int8_t *y = (int8_t *)ec_row(out, row);

        for (int32_t ox = 0; ox < p->out_width; ox++, y += c) {
            ec_taps_at(&t, ox * p->stride_w - p->pad_left, 1, p->kernel_w, p->width, c);
            const int32_t inside = (t.kye - t.ky0) * t.columns;
            const int32_t outside = p->include_pad ? p->kernel_h * p->kernel_w - inside : 0;
            const int32_t padding = outside * p->pad_value;
            int32_t k = 0;
#ifdef EC_HAVE_MVE
            if (inside + outside > 1 && inside + outside <= MOST) {
                pixel(&t, c, padding, inside + outside, p->lo, p->hi, y);
                k = c;
            }
#endif
#ifdef EC_HAVE_DSP
            for (; k + 4 <= c; k += 4) {
                int32_t sum[4];
                sums4_of(&t, k, sum);
                for (int32_t i = 0; i < 4; i++) {
                    y[k + i] = (int8_t)ec_clamp(mean(sum[i] + padding, inside + outside), p->lo, p->hi);
                }
            }
#elif defined(EC_HAVE_NEON)
            const int32_t count = inside + outside;
            const int32_t by = count > 1 && count <= MOST_TAPS ? inverse(count) : 0;
            while (by != 0 && k + 16 <= c) {
                k += put_means(p, &t, k, padding, count, by, y, 16);
            }
            if (by != 0 && k + 8 <= c) {
                k += put_means(p, &t, k, padding, count, by, y, 8);
            }
#endif
            for (; k < c; k++) {
                y[k] = (int8_t)ec_clamp(mean(sum_of(&t, k) + padding, inside + outside), p->lo, p->hi);
            }
        }
    }
}
