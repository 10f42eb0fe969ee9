#include "ec_depthwise_conv2d_s8_mve.h"

#include "ec_mve.h"

enum {
    EC_LANES = 8,      /* channels of a block */
    EC_MOST_TAPS = 16, /* taps whose addresses the stack holds: those of more lie in scratch */
};

/* What a block needs; a copy, for a store to y could change the parameters, as far as the compiler knows. */
typedef struct {
    const int8_t *weights;
    const int32_t *ends;
    int32_t channels;
    int16_t zero;
    int16_t lo;
    int16_t hi;
} blocks;

static inline blocks blocks_of(const ec_depthwise_conv2d_s8_mve_params *p)
{
    const blocks b = {p->weights,
                      p->ends,
                      p->channels,
                      (int16_t)p->output_zero,
                      (int16_t)p->lo,
                      (int16_t)p->hi};
    return b;
}

#ifdef EC_HAVE_MVE
/* Sums of a block: channels 0, 2, 4, 6 and 1, 3, 5, 7. */
typedef struct {
    int32x4_t even;
    int32x4_t odd;
} sums;

/* Eight values of a tap; of the last block, where `have` is less than eight, those that exist. */
static inline int16x8_t load(const int8_t *x, int32_t have)
{
    return have == EC_LANES ? vldrbq_s16(x) : vldrbq_z_s16(x, vctp16q((uint32_t)have));
}

static inline void add(sums *s, int16x8_t products)
{
    s->even = vaddq_s32(s->even, vmovlbq_s16(products));
    s->odd = vaddq_s32(s->odd, vmovltq_s16(products));
}

/* Products of two taps fit int16 together. */
static inline void two_taps(sums *s, const int8_t *x0, const int8_t *x1, const int8_t *w, int32_t have)
{
    const int16x8_t a = vmulq_s16(load(x0, have), vldrbq_s16(w));
    const int16x8_t b = vmulq_s16(load(x1, have), vldrbq_s16(w + EC_LANES));

    add(s, vaddq_s16(a, b));
}

static inline void one_tap(sums *s, const int8_t *x, const int8_t *w, int32_t have)
{
    add(s, vmulq_s16(load(x, have), vldrbq_s16(w)));
}

static inline sums begin(const blocks *b)
{
    const sums s = {vldrwq_s32(b->ends), vldrwq_s32(b->ends + 4)};
    return s;
}

static inline void finish(blocks *b, sums s, int8_t *y, int32_t have)
{
    const int32x4_t even = ec_requant_x4(s.even, vldrwq_s32(b->ends + 8), vldrwq_s32(b->ends + 16));
    const int32x4_t odd = ec_requant_x4(s.odd, vldrwq_s32(b->ends + 12), vldrwq_s32(b->ends + 20));
    int16x8_t q = vqmovntq_s32(vqmovnbq_s32(vdupq_n_s16(0), even), odd);

    q = vqaddq_n_s16(q, b->zero);
    q = vminq_s16(vmaxq_s16(q, vdupq_n_s16(b->lo)), vdupq_n_s16(b->hi));
    if (have == EC_LANES) {
        vstrbq_s16(y, q);
    } else {
        vstrbq_p_s16(y, q, vctp16q((uint32_t)have));
    }
    b->ends += 3 * EC_LANES;
}

/* Three taps of a row one behind the other. */
typedef struct {
    const int8_t *x[3];
} three;

static inline three from(const int8_t *x, int32_t step)
{
    three t;

    for (int32_t k = 0; k < 3; k++) {
        t.x[k] = x;
        x += step;
        EC_STEPPED(x); /* one register for each row, not one for each tap */
    }
    return t;
}

static inline void inner_block(blocks *b, const int8_t *const rows[3], int8_t *y, int32_t have)
{
    sums s = begin(b);
    const three i = from(rows[0], b->channels);
    const three j = from(rows[1], b->channels);
    const three k = from(rows[2], b->channels);

    two_taps(&s, i.x[0], i.x[1], b->weights, have);
    two_taps(&s, i.x[2], j.x[0], b->weights + 2 * EC_LANES, have);
    two_taps(&s, j.x[1], j.x[2], b->weights + 4 * EC_LANES, have);
    two_taps(&s, k.x[0], k.x[1], b->weights + 6 * EC_LANES, have);
    one_tap(&s, k.x[2], b->weights + 8 * EC_LANES, have);
    b->weights += 9 * EC_LANES;
    finish(b, s, y, have);
}

/* A pixel of a 3 x 3 kernel, not dilated, all of whose taps exist; they begin `offset` behind rows[]. */
static void inner(const ec_depthwise_conv2d_s8_mve_params *p, const int8_t *const *rows, int32_t offset, int8_t *y)
{
    blocks b = blocks_of(p);
    const int8_t *x[3] = {rows[0] + offset, rows[1] + offset, rows[2] + offset};
    int32_t n = b.channels;

    for (; n >= EC_LANES; n -= EC_LANES, y += EC_LANES) {
        inner_block(&b, x, y, EC_LANES);
        x[0] += EC_LANES;
        x[1] += EC_LANES;
        x[2] += EC_LANES;
    }
    if (n > 0) {
        inner_block(&b, x, y, n);
    }
}

static inline void any_block(blocks *b, const int8_t *const *taps, int32_t count, int32_t c, int8_t *y, int32_t have)
{
    sums s = begin(b);

    for (int32_t k = count / 2; k > 0; k--, taps += 2, b->weights += 2 * EC_LANES) {
        two_taps(&s, taps[0] + c, taps[1] + c, b->weights, have);
    }
    if ((count & 1) != 0) {
        one_tap(&s, taps[0] + c, b->weights, have);
        b->weights += EC_LANES;
    }
    finish(b, s, y + c, have);
}

/* Any pixel, by the addresses of its taps. */
static void any(const ec_depthwise_conv2d_s8_mve_params *p, const int8_t *const *taps, int8_t *y)
{
    const int32_t count = p->kernel_h * p->kernel_w;
    blocks b = blocks_of(p);
    int32_t c = 0;

    for (; c + EC_LANES <= b.channels; c += EC_LANES) {
        any_block(&b, taps, count, c, y, EC_LANES);
    }
    if (c < b.channels) {
        any_block(&b, taps, count, c, y, b.channels - c);
    }
}
#else
static void any(const ec_depthwise_conv2d_s8_mve_params *p, const int8_t *const *taps, int8_t *y)
{
    const int32_t count = p->kernel_h * p->kernel_w;
    const blocks b = blocks_of(p);

    for (int32_t c = 0; c < b.channels; c++) {
        const int32_t block = c / EC_LANES * EC_LANES;
        const int32_t lane = c % EC_LANES;
        const int32_t at = lane / 2 + lane % 2 * (EC_LANES / 2);
        const int32_t *ends = b.ends + 3 * block + at;
        int32_t acc = ends[0];
        for (int32_t t = 0; t < count; t++) {
            acc += taps[t][c] * b.weights[block * count + t * EC_LANES + lane];
        }
        acc = ec_requant(acc, ends[EC_LANES], ends[2 * EC_LANES]) + b.zero;
        y[c] = (int8_t)ec_clamp(acc, b.lo, b.hi);
    }
}
#endif

/* The addresses of the rows that an output row needs, `outside` beyond the image; returns whether there are none of
 * these. */
static int find_rows(const ec_depthwise_conv2d_s8_mve_params *p, const ec_window *in, int32_t top, int32_t y0,
                     const int8_t *outside, const int8_t **rows)
{
    const int32_t dilation = p->dilation_h;
    const int32_t height = p->height;
    int whole = 1;

    EC_SCALAR_LOOP
    for (int32_t i = 0; i < p->kernel_h; i++, y0 += dilation) {
        rows[i] = outside;
        if ((uint32_t)y0 < (uint32_t)height) {
            rows[i] = ec_row_s8(in, top + y0);
        } else {
            whole = 0;
        }
    }
    return whole;
}

/* The addresses of all taps of a pixel; those outside the image are `zeros`. */
static void find_taps(const ec_depthwise_conv2d_s8_mve_params *p, const int8_t *const *rows, int32_t x0,
                      const int8_t *zeros, const int8_t **taps)
{
    const int32_t kernel_w = p->kernel_w;
    const int32_t step = p->dilation_w;
    const int32_t channels = p->channels;
    const uint32_t width = (uint32_t)p->width;

    EC_SCALAR_LOOP
    for (const int8_t *const *end = rows + p->kernel_h; rows < end; rows++) {
        const int8_t *src = *rows;
        const uint32_t columns = src != NULL ? width : 0u;
        int32_t ix = x0;
        EC_SCALAR_LOOP
        for (int32_t j = kernel_w; j > 0; j--, ix += step) {
            *taps++ = (uint32_t)ix < columns ? src + ix * channels : zeros;
        }
    }
}

void ec_depthwise_conv2d_s8_mve(const ec_depthwise_conv2d_s8_mve_params *p, const ec_window *in,
                                const ec_window *out, int32_t first, int32_t last, void *scratch)
{
    const int32_t count = p->kernel_h * p->kernel_w;
    int8_t *zeros = (int8_t *)scratch;
    const int8_t *few[2 * EC_MOST_TAPS];
    const int8_t **taps = few;
    const int8_t **rows;
    const int8_t *outside;
    /* One column: the rows are the taps. */
    const int signal = p->width == 1 && p->out_width == 1 && p->kernel_w == 1 && p->pad_left == 0;

    ec_fill_s8(zeros, p->input_zero, p->channels);
    if (count > EC_MOST_TAPS) {
        taps = (const int8_t **)(void *)(zeros + (p->channels + 7) / 8 * 8);
    }
    rows = taps + count;
    outside = signal ? zeros : NULL;
    for (int32_t row = first; row < last; row++) {
        const int32_t top = row / p->out_height * p->height;
        const int32_t y0 = row % p->out_height * p->stride_h - p->pad_top;
        const int whole = find_rows(p, in, top, y0, outside, rows);
        int8_t *y = (int8_t *)ec_row(out, row);
        int32_t x0 = -p->pad_left;
#ifdef EC_HAVE_MVE
        const int simple = whole && p->kernel_h == 3 && p->kernel_w == 3 && p->dilation_w == 1;
        const int32_t inside = p->width - 3;
#endif
        (void)whole;
        if (signal) {
            any(p, rows, y);
            continue;
        }
        for (int32_t ox = 0; ox < p->out_width; ox++, x0 += p->stride_w, y += p->channels) {
#ifdef EC_HAVE_MVE
            if (simple && x0 >= 0 && x0 <= inside) {
                inner(p, rows, x0 * p->channels, y);
                continue;
            }
#endif
            find_taps(p, rows, x0, zeros, taps);
            any(p, taps, y);
        }
    }
}
