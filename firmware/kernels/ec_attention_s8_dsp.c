#include "ec_attention_s8_dsp.h"

#include "ec_dsp_attend.h"
#include "ec_dsp_exp2.h"
#include "ec_root.h"
#include "ec_view.h"
#include "ec_wide.h"

enum {
    TILE = 48, /* keys, the values of which stay in a data cache of 4 KB */
    FEW = 16   /* keys that are no tile of their own */
};

/* What a call works on: one or two queries of batch b, the first of them t. */
typedef struct {
    const ec_attention_s8_dsp_params *p;
    ec_window q;
    ec_window k;
    ec_window v;
    int32_t queries;
    int32_t b;
    int32_t t;
    int32_t keys; /* that any of them looks at */
    int32_t *score;
    int32_t from; /* words from the scores of a pair of keys to the next */
    int32_t to;   /* the same for weights */
} work;

/* Of one query: what the weighted sum of values is multiplied with. */
typedef struct {
    int32_t zero;
    int32_t ratio;
    int32_t right;
    int32_t half;
    int32_t output_zero;
} share;

/* The run of vectors from token s on, of batch b and head h. */
static ec_run run_of(const ec_window *w, const int32_t *view, int32_t b, int32_t h, int32_t s, int32_t count)
{
    const int32_t row = view[0] + b * view[2] + h * view[4] + s * view[6];
    const int32_t column = view[1] + b * view[3] + h * view[5] + s * view[7];
    return ec_run_of(w, row, column, view[6], view[7], count);
}

static int32_t limit_of(const ec_attention_s8_dsp_params *p, int32_t t) { return p->limit ? p->limit[t] : p->keys; }

/* Where the score of key s for query i is. */
static int32_t *place_of(const work *w, int32_t s, int32_t i) { return w->score + (s >> 1) * w->from + 2 * i + (s & 1); }

static void score_key(const work *w, const uint32_t *query, const int8_t *k, int32_t s)
{
    uint32_t four[4];

    ec_attend_scores(query, w->p->depth, k, 0, 1, four);
    *place_of(w, s, 0) = (int32_t)four[0];
    *place_of(w, s, 1) = (int32_t)four[2];
}

/* The scores of two queries for a run of keys from key s on. */
static void score_run(const work *w, const uint32_t *query, ec_run r, int32_t s)
{
    const int32_t end = s + r.count;

    if (s & 1) {
        score_key(w, query, r.at, s++);
        r.at += r.step;
    }
    const int32_t pairs = (end - s) >> 1;
    ec_attend_scores(query, w->p->depth, r.at, r.step, pairs, (uint32_t *)place_of(w, s, 0));
    if ((end - s) & 1) {
        score_key(w, query, r.at + 2 * pairs * r.step, end - 1);
    }
}

EC_APART static void score_all(const work *w, int32_t h, void *query)
{
    const ec_attention_s8_dsp_params *p = w->p;
    const int8_t *q = run_of(&w->q, p->q_view, w->b, h, w->t, 1).at;
    ec_run r;

    if (w->queries == 2) {
        const int8_t *next = run_of(&w->q, p->q_view, w->b, h, w->t + 1, 1).at;
        ec_attend_widen(q, next, p->depth, p->q_zero, (uint32_t *)query);
    } else {
        ec_widen_s8(q, p->depth, p->q_zero, (int16_t *)query);
    }
    for (int32_t s = 0; s < w->keys; s += r.count) {
        r = run_of(&w->k, p->k_view, w->b, h, s, w->keys - s);
        if (w->queries == 2) {
            score_run(w, (const uint32_t *)query, r, s);
        } else {
            ec_attend_scores_of_one((const int16_t *)query, p->depth, r.at, r.step, r.count, w->score + s);
        }
    }
}

static void add_mask(const work *w, int32_t i, int32_t h, const int16_t *mask, const int32_t *stride, int32_t n)
{
    mask += w->b * stride[0] + h * stride[1] + (w->t + i) * stride[2];
    for (int32_t s = 0; s < n; s++) {
        int32_t *score = place_of(w, s, i);
        if (mask[s] == INT16_MIN) {
            *score = EC_EXCLUDED;
        } else if (*score != EC_EXCLUDED) {
            *score += mask[s] * (1 << w->p->mask_shift);
        }
    }
}

/* The weights of query i, with what their sum makes of the result. */
EC_APART static share weigh(const work *w, int32_t i, int32_t h)
{
    const ec_attention_s8_dsp_params *p = w->p;
    const ec_exp2_format f = {p->left, p->factor, p->fraction, p->precision, p->exp2};
    const int32_t n = limit_of(p, w->t + i);
    const int32_t masked = p->mask != NULL || p->bias != NULL;
    share result = {0, 0, 0, 0, p->output_zero};
    int32_t places;

    for (int32_t s = 0; masked && s < n; s++) {
        *place_of(w, s, i) = ec_exp2_scaled(&f, *place_of(w, s, i));
    }
    if (p->mask != NULL) {
        add_mask(w, i, h, p->mask, p->mask_stride, n);
    }
    if (p->bias != NULL) {
        add_mask(w, i, h, p->bias, p->bias_stride, n);
    }
    const int32_t sum = ec_exp2_pairs(&f, masked, place_of(w, 0, i), w->from, (uint32_t *)w->score + i, w->to, n, w->keys);
    if (sum != 0) {
        result.zero = p->v_zero * sum;
        result.ratio = (int32_t)(((int64_t)p->multiplier * ec_inverse((uint32_t)sum, &places)) >> 31);
        result.right = places - p->shift - 32;
        result.half = 1 << (result.right - 1);
    }
    return result;
}

static void mix_of(const work *w, const uint32_t *weight, const int8_t *v, int32_t step, int32_t keys, int32_t total[8])
{
    if (w->queries == 2) {
        ec_attend_mix(weight, v, step, keys, total);
    } else {
        ec_attend_mix_one(weight, v, step, keys, total);
    }
}

/* total += weight * value of a run of keys from key s on, in four columns. */
EC_APART static void mix_run(const work *w, ec_run r, int32_t s, int32_t total[8])
{
    const uint32_t *weight = (const uint32_t *)w->score + (s >> 1) * w->to;
    uint32_t own[2];

    if (s & 1) {
        own[0] = weight[0] >> 16;
        own[1] = w->queries == 2 ? weight[1] >> 16 : 0u;
        mix_of(w, own, r.at, 0, 1, total);
        weight += w->to;
        r.at += r.step;
        r.count--;
    }
    mix_of(w, weight, r.at, r.step, r.count & ~1, total);
    if (r.count & 1) {
        own[0] = weight[(r.count >> 1) * w->to] & 0xFFFFu;
        own[1] = w->queries == 2 ? weight[(r.count >> 1) * w->to + 1] & 0xFFFFu : 0u;
        mix_of(w, own, r.at + (r.count - 1) * r.step, 0, 1, total);
    }
}

/* The same in the n < 4 columns that are left, from column c on. */
EC_APART static void mix_rest(const work *w, ec_run r, int32_t s, int32_t n, int32_t total[8])
{
    for (int32_t e = 0; e < r.count; e++, s++, r.at += r.step) {
        for (int32_t i = 0; i < w->queries; i++) {
            const uint32_t pair = (uint32_t)w->score[(s >> 1) * w->to + i];
            const int32_t weight = (int32_t)(s & 1 ? pair >> 16 : pair & 0xFFFFu);
            for (int32_t c = 0; c < n; c++) {
                total[4 * i + c] += weight * r.at[c];
            }
        }
    }
}

/* n <= 4 results of one query. */
static inline void finish(const share *params, const int32_t *total, int32_t n, int8_t *y)
{
    const share h = *params;

    for (int32_t d = 0; d < n; d++) {
        const int32_t v = (int32_t)(((int64_t)(total[d] - h.zero) * h.ratio) >> 32) + h.half;
        y[d] = (int8_t)ec_clamp((v >> h.right) + h.output_zero, -128, 127);
    }
}

EC_APART static void finish_four(const share *h, const int32_t *total, int8_t *y) { finish(h, total, 4, y); }

/* A tile: the keys from key s on that lie in one run, to the end of its TILE keys, or to the last key where few are
 * left behind it. */
static ec_run tile_of(const work *w, int32_t h, int32_t s)
{
    const int32_t end = s - s % TILE + TILE;
    return run_of(&w->v, w->p->v_view, w->b, h, s, (end + FEW < w->keys ? end : w->keys) - s);
}

/* total += weight * value of a tile from key s on, in all columns. */
EC_APART static void mix_tile(const work *w, ec_run r, int32_t s, int32_t *total)
{
    const uint32_t *weight = (const uint32_t *)w->score + (s >> 1) * w->to;
    const int8_t *fours = r.at + (w->p->value_depth & ~3);
    const int32_t step = 4 * w->queries;

    if ((s & 1) || ((r.count & 1) && s + r.count != w->keys)) {
        for (; r.at != fours; r.at += 4, total += step) {
            mix_run(w, r, s, total);
        }
    } else {
        for (; r.at != fours; r.at += 4, total += step) {
            mix_of(w, weight, r.at, r.step, r.count, total);
        }
    }
    if (w->p->value_depth & 3) {
        mix_rest(w, r, s, w->p->value_depth & 3, total);
    }
}

/* Tiles are outside of columns: the next columns find the lines of a tile's values in the data cache still. */
EC_APART static void mix_all(const work *w, int32_t h, const share shares[2], int32_t *total, int8_t *const y[2])
{
    const int32_t depth = w->p->value_depth;
    const int32_t fours = depth & ~3;
    ec_run r;

    memset(total, 0, (uint32_t)(((depth + 3) & ~3) * w->queries) * sizeof *total);
    for (int32_t s = 0; s < w->keys; s += r.count) {
        r = tile_of(w, h, s);
        mix_tile(w, r, s, total);
    }
    for (int32_t i = 0; i < w->queries; i++) {
        const int32_t *sum = total + 4 * i;
        int8_t *to = y[i] + h * depth;
        for (int32_t c = 0; c < fours; c += 4, sum += 4 * w->queries) {
            finish_four(&shares[i], sum, to + c);
        }
        finish(&shares[i], sum, depth - fours, to + fours);
    }
}

static void attend(const work *w, int8_t *const y[2])
{
    int32_t *rest = w->score + ((w->p->keys + 1) >> 1) * w->from; /* queries, then sums of values */
    share shares[2];

    for (int32_t h = 0; h < w->p->heads; h++) {
        score_all(w, h, rest);
        for (int32_t i = 0; i < w->queries; i++) {
            shares[i] = weigh(w, i, h);
        }
        mix_all(w, h, shares, rest, y);
    }
}

/* Whether the result for the query behind w's may be written before w's own is whole: not over what that needs. */
EC_APART static int apart(const work *w, const ec_window *out, int32_t row)
{
    const ec_attention_s8_dsp_params *p = w->p;
    const int8_t *y = ec_row_s8(out, row + 1);
    const int32_t bytes = p->heads * p->value_depth;

    for (int32_t h = 0; h < p->heads && p->q_data == NULL; h++) {
        if (ec_overlaps(y, bytes, run_of(&w->q, p->q_view, w->b, h, w->t, 1).at, p->depth)) {
            return 0;
        }
    }
    return w->k.slots == NULL && w->v.slots == NULL &&
           (p->k_data != NULL || !ec_overlaps(y, bytes, w->k.base, w->k.pitch * w->k.capacity)) &&
           (p->v_data != NULL || !ec_overlaps(y, bytes, w->v.base, w->v.pitch * w->v.capacity));
}

void ec_attention_s8_dsp(const ec_attention_s8_dsp_params *p, const ec_window *in, const ec_window *out,
                         int32_t first, int32_t last, void *scratch)
{
    work w;

    w.p = p;
    w.q = p->q_data ? ec_constant_window(p->q_data, p->q_pitch) : *in++;
    w.k = p->k_data ? ec_constant_window(p->k_data, p->k_pitch) : *in++;
    w.v = p->v_data ? ec_constant_window(p->v_data, p->v_pitch) : *in;
    w.score = (int32_t *)scratch;
    for (int32_t row = first; row < last; row += w.queries) {
        int8_t *y[2] = {(int8_t *)ec_row(out, row), NULL};

        w.b = row / p->queries;
        w.t = row - w.b * p->queries;
        w.keys = limit_of(p, w.t);
        w.queries = 1;
        if (row + 1 < last && w.t + 1 < p->queries && apart(&w, out, row)) {
            w.keys = ec_max(w.keys, limit_of(p, w.t + 1));
            w.queries = 2;
            y[1] = (int8_t *)ec_row(out, row + 1);
        }
        w.from = 2 * w.queries;
        w.to = w.queries == 2 ? 4 : 1;
        attend(&w, y);
    }
}
