#include "ec_last_row.h"

#include "ec_mve.h"

static int32_t element(const ec_last_row_params *p, const void *x, int32_t at)
{
    if (p->bytes == 4) {
        return ((const int32_t *)x)[at];
    }
    return p->bytes == 2 ? ((const int16_t *)x)[at] : ((const int8_t *)x)[at];
}

static int32_t result(const ec_last_row_params *p, int32_t x, int32_t entry)
{
    if (p->multiplier != NULL) {
        return ec_requant(x + p->offset[entry], p->multiplier[entry], p->shift[entry]) + p->output_zero;
    }
    if (p->count != NULL) {
        const int32_t sum = x + p->offset[entry];
        const int32_t half = p->count[entry] / 2;
        return (sum < 0 ? sum - half : sum + half) / p->count[entry];
    }
    return x;
}

/* The first elements of a row, as many as are computed side by side: int32 sums that are requantized, each by its
 * own entry of the tables, to int8. Returns how many. */
static int32_t together(const ec_last_row_params *p, const void *x, int32_t row, int8_t *y)
{
    int32_t i = 0;

#ifdef EC_HAVE_MVE
    if (p->bytes == 4 && p->multiplier != NULL && p->step != 0 && !p->wide) {
        for (; i < p->length; i += 4) {
            const mve_pred16_t live = vctp32q((uint32_t)(p->length - i));
            const int32_t at = row * p->length + i;
            const int32x4_t sum =
                vaddq_s32(vldrwq_z_s32((const int32_t *)x + at, live), vldrwq_z_s32(p->offset + at, live));
            const int32x4_t m = vldrwq_z_s32(p->multiplier + at, live);
            int32x4_t q = ec_requant_any_x4(sum, m, vldrbq_z_s32(p->shift + at, live));
            q = vaddq_n_s32(q, p->output_zero);
            q = vminq_s32(vmaxq_s32(q, vdupq_n_s32(p->lo)), vdupq_n_s32(p->hi));
            vstrbq_p_s32(y + i, q, live);
        }
    }
#else
    (void)p;
    (void)x;
    (void)row;
    (void)y;
#endif
    return i;
}

void ec_last_row(const ec_last_row_params *params, const ec_window *in, const ec_window *out, int32_t first,
                 int32_t last, void *scratch)
{
    const ec_last_row_params p = *params;
    const void *x = ec_row(in, p.last);

    (void)scratch;
    for (int32_t row = first; row < last; row++) {
        void *y = ec_row(out, row);
        for (int32_t i = together(&p, x, row, (int8_t *)y); i < p.length; i++) {
            const int32_t at = row * p.length + i;
            const int32_t q = ec_clamp(result(&p, element(&p, x, at), at * p.step), p.lo, p.hi);
            if (p.wide) {
                ((int16_t *)y)[i] = (int16_t)q;
            } else {
                ((int8_t *)y)[i] = (int8_t)q;
            }
        }
    }
}
