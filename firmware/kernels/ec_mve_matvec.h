/* One or two vectors times a weight matrix with requantization, for Helium: what linear and convolution end in. */
#ifndef EC_MVE_MATVEC_H
#define EC_MVE_MATVEC_H

#include "ec_mve.h"

/* weights [outputs][inputs]; ends [outputs / 4, rounded up][3][4]: of four outputs the biases, the multipliers and the
 * shifts, none positive; the result is clamped to lo..hi. inputs > 0. Results are int8, or int16 where
 * `wide`. */
typedef struct {
    int32_t inputs;
    int32_t outputs;
    int32_t zero;
    int32_t lo;
    int32_t hi;
    const int8_t *weights;
    const int32_t *ends;
    int32_t wide;
} ec_mve_matvec;

enum { EC_MVE_ENDS = 12 }; /* numbers for four outputs */

#ifdef EC_HAVE_MVE
/* What is the same for all outputs. */
typedef struct {
    int32x4_t lo;
    int32x4_t hi;
    int32_t zero;
    int32_t inputs;
} ec_mve_common;

static inline ec_mve_common ec_mve_prepare(const ec_mve_matvec *m)
{
    const ec_mve_common c = {vdupq_n_s32(m->lo), vdupq_n_s32(m->hi), m->zero, m->inputs};
    return c;
}

/* y[0..have): the first of four outputs. `wide` as in ec_mve_matvec. */
static inline void ec_mve_finish(const ec_mve_common *c, int32x4_t acc, int32x4_t multiplier, int32x4_t shift,
                                 int32_t have, void *y, int32_t wide)
{
    int32x4_t q = vaddq_n_s32(ec_requant_x4(acc, multiplier, shift), c->zero);

    q = vminq_s32(vmaxq_s32(q, c->lo), c->hi);
    if (wide) {
        vstrhq_p_s32((int16_t *)y, q, vctp32q((uint32_t)have));
    } else if (have == 4) {
        vstrbq_s32((int8_t *)y, q);
    } else {
        vstrbq_p_s32((int8_t *)y, q, vctp32q((uint32_t)have));
    }
}

static inline int32x4_t ec_mve_lanes(int32_t a, int32_t b, int32_t c, int32_t d)
{
    int32x4_t v = vdupq_n_s32(0);

    v = vsetq_lane_s32(a, v, 0);
    v = vsetq_lane_s32(c, v, 2);
    v = vsetq_lane_s32(b, v, 1);
    return vsetq_lane_s32(d, v, 3);
}

/* Four outputs, of which `have` exist, of one vector. */
static inline void ec_mve_one(const ec_mve_common *c, const int8_t *weights, const int32_t *ends, int32_t have,
                              const int8_t *x, void *y, int32_t wide)
{
    const int32_t n = c->inputs;
    const int8_t *const w1 = weights + (have > 1 ? n : 0);
    const int8_t *const w2 = have > 2 ? w1 + n : w1;
    const int8_t *const w[4] = {weights, w1, w2, have > 3 ? w2 + n : w2};
    int32_t acc[4] = {ends[0], ends[1], ends[2], ends[3]};

    ec_dot1x4(x, w, n, acc);
    ec_mve_finish(c, ec_mve_lanes(acc[0], acc[1], acc[2], acc[3]), vldrwq_s32(ends + 4), vldrwq_s32(ends + 8), have, y, wide);
}

/* The same of two vectors. */
static inline void ec_mve_two(const ec_mve_common *c, const int8_t *weights, const int32_t *ends, int32_t have,
                              const int8_t *const x[2], void *y0, void *y1, int32_t wide)
{
    const int32_t n = c->inputs;
    const int8_t *const w1 = weights + (have > 1 ? n : 0);
    const int8_t *const w2 = have > 2 ? w1 + n : w1;
    const int8_t *const even[2] = {weights, w2};
    const int8_t *const odd[2] = {w1, have > 3 ? w2 + n : w2};
    int32_t a[4] = {ends[0], ends[2], ends[0], ends[2]};
    int32_t b[4] = {ends[1], ends[3], ends[1], ends[3]};
    int32x4_t u = vdupq_n_s32(0);
    int32x4_t v = vdupq_n_s32(0);

    ec_dot2x2(x, even, n, a);
    u = vsetq_lane_s32(a[1], vsetq_lane_s32(a[0], u, 0), 2);
    v = vsetq_lane_s32(a[3], vsetq_lane_s32(a[2], v, 0), 2);
    ec_dot2x2(x, odd, n, b);
    u = vsetq_lane_s32(b[1], vsetq_lane_s32(b[0], u, 1), 3);
    v = vsetq_lane_s32(b[3], vsetq_lane_s32(b[2], v, 1), 3);
    ec_mve_finish(c, u, vldrwq_s32(ends + 4), vldrwq_s32(ends + 8), have, y0, wide);
    ec_mve_finish(c, v, vldrwq_s32(ends + 4), vldrwq_s32(ends + 8), have, y1, wide);
}

/* The same, where 16 bytes hold a vector: x0 and x1, zeros behind them. */
static inline void ec_mve_two_short(const ec_mve_common *c, const int8_t *weights, const int32_t *ends, int32_t have,
                                    int8x16_t x0, int8x16_t x1, void *y0, void *y1, int32_t wide)
{
    const int32_t n = c->inputs;
    const mve_pred16_t p = vctp8q((uint32_t)n);
    const int8_t *const w1 = weights + (have > 1 ? n : 0);
    const int8_t *const w2 = have > 2 ? w1 + n : w1;
    const int8_t *const w3 = have > 3 ? w2 + n : w2;
    int8x16_t w = vldrbq_z_s8(weights, p);
    int32x4_t u = vsetq_lane_s32(vmladavaq_s8(ends[0], x0, w), vdupq_n_s32(0), 0);
    int32x4_t v = vsetq_lane_s32(vmladavaq_s8(ends[0], x1, w), vdupq_n_s32(0), 0);

    w = vldrbq_z_s8(w2, p);
    u = vsetq_lane_s32(vmladavaq_s8(ends[2], x0, w), u, 2);
    v = vsetq_lane_s32(vmladavaq_s8(ends[2], x1, w), v, 2);
    w = vldrbq_z_s8(w1, p);
    u = vsetq_lane_s32(vmladavaq_s8(ends[1], x0, w), u, 1);
    v = vsetq_lane_s32(vmladavaq_s8(ends[1], x1, w), v, 1);
    w = vldrbq_z_s8(w3, p);
    u = vsetq_lane_s32(vmladavaq_s8(ends[3], x0, w), u, 3);
    v = vsetq_lane_s32(vmladavaq_s8(ends[3], x1, w), v, 3);
    ec_mve_finish(c, u, vldrwq_s32(ends + 4), vldrwq_s32(ends + 8), have, y0, wide);
    ec_mve_finish(c, v, vldrwq_s32(ends + 4), vldrwq_s32(ends + 8), have, y1, wide);
}
#endif

/* y[o] = sum over inputs of x[i] * weights[o][i] + bias[o], requantized; `wide` is m->wide. */
static inline void ec_mve_row(const ec_mve_matvec *m, const int8_t *x, int8_t *y, int32_t wide)
{
    const int8_t *w = m->weights;
    const int32_t *ends = m->ends;
    int32_t left = m->outputs;
#ifdef EC_HAVE_MVE
    const ec_mve_common c = ec_mve_prepare(m);

    for (; left >= 4; left -= 4, w += 4 * c.inputs, ends += EC_MVE_ENDS, y += wide ? 8 : 4) {
        ec_mve_one(&c, w, ends, 4, x, y, wide);
    }
    if (left > 0) {
        ec_mve_one(&c, w, ends, left, x, y, wide);
    }
#else
    const int32_t n = m->inputs;
    const int32_t zero = m->zero;
    const int32_t lo = m->lo;
    const int32_t hi = m->hi;

    for (int32_t lane = 0; left > 0; left--, w += n, y += wide ? 2 : 1) {
        int32_t acc = ends[lane];
        for (int32_t i = 0; i < n; i++) {
            acc += x[i] * w[i];
        }
        acc = ec_clamp(ec_requant(acc, ends[lane + 4], ends[lane + 8]) + zero, lo, hi);
        if (wide) {
            *(int16_t *)(void *)y = (int16_t)acc;
        } else {
            *y = (int8_t)acc;
        }
        ends += lane == 3 ? EC_MVE_ENDS : 0;
        lane = (lane + 1) & 3;
    }
#endif
}

/* The same for two vectors; y0 is written before all of x1 has been read. */
static inline void ec_mve_rows(const ec_mve_matvec *m, const int8_t *x0, const int8_t *x1, int8_t *y0, int8_t *y1,
                               int32_t wide)
{
#ifdef EC_HAVE_MVE
    const int32_t step = wide ? 8 : 4;
    const int8_t *w = m->weights;
    const int32_t *ends = m->ends;
    int32_t left = m->outputs;
    const ec_mve_common c = ec_mve_prepare(m);
    const int8_t *const x[2] = {x0, x1};

    if (c.inputs <= 16) {
        const mve_pred16_t p = vctp8q((uint32_t)c.inputs);
        const int8x16_t s = vldrbq_z_s8(x0, p);
        const int8x16_t t = vldrbq_z_s8(x1, p);
        for (; left >= 4; left -= 4, w += 4 * c.inputs, ends += EC_MVE_ENDS, y0 += step, y1 += step) {
            ec_mve_two_short(&c, w, ends, 4, s, t, y0, y1, wide);
        }
        if (left > 0) {
            ec_mve_two_short(&c, w, ends, left, s, t, y0, y1, wide);
        }
        return;
    }
    for (; left >= 4; left -= 4, w += 4 * c.inputs, ends += EC_MVE_ENDS, y0 += step, y1 += step) {
        ec_mve_two(&c, w, ends, 4, x, y0, y1, wide);
    }
    if (left > 0) {
        ec_mve_two(&c, w, ends, left, x, y0, y1, wide);
    }
#else
    ec_mve_row(m, x0, y0, wide);
    ec_mve_row(m, x1, y1, wide);
#endif
}

static inline void ec_mve_matvec1(const ec_mve_matvec *m, const int8_t *x, int8_t *y)
{
    if (m->wide) {
        ec_mve_row(m, x, y, 1);
    } else {
        ec_mve_row(m, x, y, 0);
    }
}

static inline void ec_mve_matvec2(const ec_mve_matvec *m, const int8_t *x0, const int8_t *x1, int8_t *y0, int8_t *y1)
{
    if (m->wide) {
        ec_mve_rows(m, x0, x1, y0, y1, 1);
    } else {
        ec_mve_rows(m, x0, x1, y0, y1, 0);
    }
}

#endif
