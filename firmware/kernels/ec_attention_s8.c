#include "ec_attention_s8.h"

#include "ec_exp2.h"
#include "ec_mve.h"
#include "ec_neon.h"
#include "ec_root.h"
#include "ec_view.h"
#include "ec_wide.h"

/* The run of vectors from token s on, of batch b and head h. */
static ec_run run_of(const ec_window *w, const int32_t *view, int32_t b, int32_t h, int32_t s, int32_t count)
{
    const int32_t row = view[0] + b * view[2] + h * view[4] + s * view[6];
    const int32_t column = view[1] + b * view[3] + h * view[5] + s * view[7];
    return ec_run_of(w, row, column, view[6], view[7], count);
}

static void add_mask(int32_t *score, int32_t n, const int16_t *mask, int32_t shift)
{
    for (int32_t s = 0; s < n; s++) {
        if (mask[s] == INT16_MIN) {
            score[s] = EC_EXCLUDED;
        } else if (score[s] != EC_EXCLUDED) {
            score[s] += mask[s] * (1 << shift);
        }
    }
}

#ifdef EC_HAVE_NEON
/* The results that come in fours: (total - zero) * ratio * 2^shift, rounded; returns how many. */
static int32_t finish_fours(const ec_attention_s8_params *p, const int32_t *total, int32_t zero, int32_t ratio,
                            int32_t shift, int8_t *y)
{
    const int64x2_t by = vdupq_n_s64(shift);
    int32_t d = 0;

    for (; d + 4 <= p->value_depth; d += 4) {
        const int32x4_t v = vsubq_s32(vld1q_s32(total + d), vdupq_n_s32(zero));
        const int64x2_t low = vrshlq_s64(vmull_n_s32(vget_low_s32(v), ratio), by);
        const int64x2_t high = vrshlq_s64(vmull_high_n_s32(v, ratio), by);
        const int32x4_t q = vaddq_s32(vmovn_high_s64(vmovn_s64(low), high), vdupq_n_s32(p->output_zero));
        const int16x4_t half = vqmovn_s32(q);
        const int8x8_t four = vqmovn_s16(vcombine_s16(half, half));
        vst1_lane_s32((int32_t *)(void *)(y + d), vreinterpret_s32_s8(four), 0);
    }
    return d;
}
#endif

#ifdef EC_HAVE_MVE
/* y = (total - less) * ratio >> (32 + right), rounded, for n values; right > 0. */
static void finish_by(int32_t less, int32_t ratio, int32_t right, int32_t zero, const int32_t *total, int32_t n, int8_t *y)
{
    const int32x4_t by = vdupq_n_s32(ratio);
    const int32x4_t lo = vdupq_n_s32(-128);
    const int32x4_t hi = vdupq_n_s32(127);

    for (; n > 0; n -= 4, total += 4, y += 4) {
        const mve_pred16_t p = vctp32q((uint32_t)n);
        int32x4_t v = vmulhq_s32(vsubq_n_s32(vldrwq_z_s32(total, p), less), by);
        v = vaddq_n_s32(vrshlq_n_s32(v, -right), zero);
        vstrbq_p_s32(y, vminq_s32(vmaxq_s32(v, lo), hi), p);
    }
}
#endif

static void finish(const ec_attention_s8_params *p, const int32_t *total, int32_t sum, int8_t *y)
{
    int32_t places;

    if (sum == 0) {
        memset(y, p->output_zero, (size_t)p->value_depth);
        return;
    }
    const int32_t inverse = ec_inverse((uint32_t)sum, &places);
    const int32_t ratio = (int32_t)(((int64_t)p->multiplier * inverse) >> 31);
    const int64_t half = INT64_C(1) << (places - p->shift - 1);
    const int32_t right = places - p->shift - 32;
    int32_t d = 0;
#ifdef EC_HAVE_MVE
    if (right > 0) {
        finish_by(p->v_zero * sum, ratio, right, p->output_zero, total, p->value_depth, y);
        return;
    }
#endif
#ifdef EC_HAVE_NEON
    d = finish_fours(p, total, p->v_zero * sum, ratio, -32 - right, y);
#endif
    for (; d < p->value_depth; d++) {
        const int64_t v = (int64_t)(total[d] - p->v_zero * sum) * ratio + half;
        y[d] = (int8_t)ec_clamp(((int32_t)(v >> 32) >> right) + p->output_zero, -128, 127);
    }
}

void ec_attention_s8(const ec_attention_s8_params *p, const ec_window *in, const ec_window *out,
                     int32_t first, int32_t last, void *scratch)
{
    int32_t *score = (int32_t *)scratch;
    int32_t *total = score + p->keys;
    int16_t *query = (int16_t *)(total + p->value_depth);
    const ec_window q = p->q_data ? ec_constant_window(p->q_data, p->q_pitch) : *in++;
    const ec_window k = p->k_data ? ec_constant_window(p->k_data, p->k_pitch) : *in++;
    const ec_window v = p->v_data ? ec_constant_window(p->v_data, p->v_pitch) : *in;

    for (int32_t row = first; row < last; row++) {
        const int32_t b = row / p->queries;
        const int32_t t = row - b * p->queries;
        const int32_t n = p->limit ? p->limit[t] : p->keys;
        int8_t *y = (int8_t *)ec_row(out, row);

        for (int32_t h = 0; h < p->heads; h++, y += p->value_depth) {
            ec_run r = run_of(&q, p->q_view, b, h, t, 1);
            ec_widen_s8(r.at, p->depth, p->q_zero, query);
            for (int32_t s = 0; s < n; s += r.count) {
                r = run_of(&k, p->k_view, b, h, s, n - s);
                ec_wide_dots(query, r.at, r.step, r.count, p->depth, score + s);
            }
            ec_scale(score, n, p->left, p->factor);
            if (p->mask) {
                const int32_t *m = p->mask_stride;
                add_mask(score, n, p->mask + b * m[0] + h * m[1] + t * m[2], p->mask_shift);
            }
            if (p->bias) {
                const int32_t *m = p->bias_stride;
                add_mask(score, n, p->bias + b * m[0] + h * m[1] + t * m[2], p->mask_shift);
            }
            const int32_t sum = ec_exp2_weights(score, n, p->fraction, p->precision, p->exp2);
            memset(total, 0, (size_t)p->value_depth * sizeof *total);
            for (int32_t s = 0; s < n; s += r.count) {
                r = run_of(&v, p->v_view, b, h, s, n - s);
                ec_mix(score + s, r.at, r.step, r.count, p->value_depth, total);
            }
            finish(p, total, sum, y);
        }
    }
}
