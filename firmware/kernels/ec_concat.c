#include "ec_concat.h"

#include "ec_mve.h"
#include "ec_neon_stream.h"

/* n elements of operand k from x to y. */
static void put(const ec_concat_params *p, int32_t k, const int8_t *x, int8_t *y, int32_t n)
{
    if (p->multiplier[k] == 0) {
        memcpy(y, x, (size_t)(n * p->element));
        return;
    }
#ifdef EC_HAVE_MVE
    const ec_factor by = ec_factor_of(p->multiplier[k], p->shift[k]);
    const int32x4_t lo = vdupq_n_s32(INT8_MIN);
    const int32x4_t hi = vdupq_n_s32(INT8_MAX);
    const int32_t zero = p->zero[k];
    const int32_t output_zero = p->output_zero;

    for (; n > 0; n -= 4, x += 4, y += 4) {
        const mve_pred16_t live = vctp32q((uint32_t)n);
        int32x4_t v = ec_requant_by_x4(vsubq_n_s32(vldrbq_z_s32(x, live), zero), by);
        v = vaddq_n_s32(v, output_zero);
        vstrbq_p_s32(y, vminq_s32(vmaxq_s32(v, lo), hi), live);
    }
#else
    int32_t i = 0;
#ifdef EC_HAVE_NEON
    const ec_neon_sink to = {y, 0, INT8_MIN, INT8_MAX};
    i = ec_neon_requant_eights(ec_neon_stream_of(x, 0, 1, p->zero[k]), n, p->multiplier[k], p->shift[k],
                               p->output_zero, to);
#endif
    for (; i < n; i++) {
        const int32_t q = ec_requant(x[i] - p->zero[k], p->multiplier[k], p->shift[k]) + p->output_zero;
        y[i] = (int8_t)ec_clamp(q, INT8_MIN, INT8_MAX);
    }
#endif
}

/* Row `row` of operand k, whose rows have `size` elements; `w` is its window if it has one. */
static const int8_t *row_of(const ec_concat_params *p, int32_t k, const ec_window *w, int32_t row, int32_t size)
{
    if (p->offset[k] >= 0) {
        return p->constants + p->offset[k] + row * size * p->element;
    }
    return ec_row_s8(w, row);
}

static void join_inside(const ec_concat_params *p, const ec_window *in, int8_t *y, int32_t row)
{
    int32_t start = 0;
    int32_t stride = 0;

    for (int32_t k = 0; k < p->operands; k++) {
        stride += p->length[k];
    }
    for (int32_t k = 0; k < p->operands; k++) {
        const int32_t n = p->length[k];
        const int8_t *x = row_of(p, k, in, row, n * p->segments);
        for (int32_t s = 0; s < p->segments; s++) {
            put(p, k, x + s * n * p->element, y + (s * stride + start) * p->element, n);
        }
        start += n;
        in += p->offset[k] < 0 ? 1 : 0;
    }
}

static void join_rows(const ec_concat_params *p, const ec_window *in, int8_t *y, int32_t row)
{
    int32_t block = 0;
    int32_t k = 0;
    int32_t at;

    for (int32_t j = 0; j < p->operands; j++) {
        block += p->rows[j];
    }
    at = row % block;
    while (at >= p->rows[k]) {
        at -= p->rows[k];
        in += p->offset[k] < 0 ? 1 : 0;
        k++;
    }
    put(p, k, row_of(p, k, in, row / block * p->rows[k] + at, p->length[k]), y, p->length[k]);
}

void ec_concat(const ec_concat_params *p, const ec_window *in, const ec_window *out, int32_t first,
               int32_t last, void *scratch)
{
    (void)scratch;
    for (int32_t row = first; row < last; row++) {
        int8_t *y = (int8_t *)ec_row(out, row);
        if (p->rows == 0) {
            join_inside(p, in, y, row);
        } else {
            join_rows(p, in, y, row);
        }
    }
}
