#include "ec_max_pool2d_s8.h"

#include "ec_mve.h"
#include "ec_pool2d.h"
#include "ec_pool_neon.h"

/* The largest of the taps of channel k. */
static int32_t largest(const ec_taps *t, int32_t k)
{
    int32_t most = INT8_MIN;
    for (int32_t ky = t->ky0; ky < t->kye; ky++) {
        const int8_t *x = ec_taps_row(t, ky) + k;
        for (int32_t n = t->columns; n > 0; n--, x += t->step) {
            most = ec_max(most, *x);
        }
    }
    return most;
}

#if defined(EC_HAVE_DSP) && !defined(EC_HAVE_MVE)

/* The larger of every two bytes. */
static inline uint32_t larger(uint32_t a, uint32_t b)
{
#if defined(__thumb2__)
    uint32_t d;
    __asm__("ssub8 %0, %1, %2\n\tsel %0, %1, %2" : "=&r"(d) : "r"(a), "r"(b) : "cc");
    return d;
#else
    uint32_t d = 0;
    for (uint32_t i = 0; i < 32; i += 8) {
        const int8_t x = (int8_t)(uint8_t)(a >> i & 0xFFu);
        const int8_t y = (int8_t)(uint8_t)(b >> i & 0xFFu);
        d |= (uint32_t)(uint8_t)(x >= y ? x : y) << i;
    }
    return d;
#endif
}

/* The same for channels k .. k + 3, in a word. */
static uint32_t largest4(const ec_taps *t, int32_t k)
{
    uint32_t most = 0x80808080u;
    for (int32_t ky = t->ky0; ky < t->kye; ky++) {
        const int8_t *x = ec_taps_row(t, ky) + k;
        EC_NO_UNROLL
        for (int32_t n = t->columns; n > 0; n--, x += t->step) {
            most = larger(most, ec_word(x));
        }
    }
    return most;
}

#elif defined(EC_HAVE_NEON)

/* The same for `channels` of them from k on, clamped, to y. */
EC_INLINE int32_t put_largest(const ec_taps *t, int32_t k, int32_t lo, int32_t hi, int8_t *y, int channels)
{
    int8x16_t most = vdupq_n_s8(INT8_MIN);
    for (int32_t ky = t->ky0; ky < t->kye; ky++) {
        most = ec_neon_largest(ec_taps_row(t, ky) + k, t->step, t->columns, most, channels);
    }
    ec_neon_store_s8(y + k, ec_neon_clamp8(most, lo, hi), channels);
    return channels;
}

#endif

#ifdef EC_HAVE_MVE

/* The results of n channels. */
static void pixel(const ec_taps *t, int32_t n, int32_t lo, int32_t hi, int8_t *y)
{
    const int8x16_t least = vdupq_n_s8((int8_t)lo);
    const int8x16_t cap = vdupq_n_s8((int8_t)hi);

    for (int32_t k = 0; k < n; k += 16) {
        const mve_pred16_t p = vctp8q((uint32_t)(n - k));
        int8x16_t most = least;
        for (int32_t ky = t->ky0; ky < t->kye; ky++) {
            const int8_t *x = ec_taps_row(t, ky) + k;
            EC_SCALAR_LOOP
            for (int32_t i = t->columns; i > 0; i--, x += t->step) {
                most = vmaxq_s8(most, vldrbq_z_s8(x, p));
            }
        }
        vstrbq_p_s8(y + k, vminq_s8(most, cap), p);
    }
}

#endif

void ec_max_pool2d_s8(const ec_max_pool2d_s8_params *p, const ec_window *in, const ec_window *out,
                      int32_t first, int32_t last, void *scratch)
{
    const int32_t c = p->channels;

    (void)scratch;
    for (int32_t row = first; row < last; row++) {
        ec_taps t = ec_taps_of_row(in, row / p->out_height * p->height,
                                   row % p->out_height * p->stride_h - p->pad_top, p->dilation_h, p->kernel_h,
                                   p->height);
        int8_t *y = (int8_t *)ec_row(out, row);

        for (int32_t ox = 0; ox < p->out_width; ox++, y += c) {
            ec_taps_at(&t, ox * p->stride_w - p->pad_left, p->dilation_w, p->kernel_w, p->width, c);
            int32_t k = 0;
#ifdef EC_HAVE_MVE
            pixel(&t, c, p->lo, p->hi, y);
            k = c;
#elif defined(EC_HAVE_DSP)
            for (; k + 4 <= c; k += 4) {
                const uint32_t most = largest4(&t, k);
                for (int32_t i = 0; i < 4; i++) {
                    y[k + i] = (int8_t)ec_clamp((int8_t)(uint8_t)(most >> (8 * i) & 0xFFu), p->lo, p->hi);
                }
            }
#elif defined(EC_HAVE_NEON)
            while (k + 16 <= c) {
                k += put_largest(&t, k, p->lo, p->hi, y, 16);
            }
            if (k + 8 <= c) {
                k += put_largest(&t, k, p->lo, p->hi, y, 8);
            }
#endif
            for (; k < c; k++) {
                y[k] = (int8_t)ec_clamp(largest(&t, k), p->lo, p->hi);
            }
        }
    }
}
