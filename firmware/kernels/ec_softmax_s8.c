#include "ec_softmax_s8.h"

#include "ec_mve.h"
#include "ec_neon.h"
#include "ec_reciprocal.h"

#ifdef EC_HAVE_MVE

static int32_t largest(const int8_t *x, int32_t n)
{
    int8_t most = x[0];

    for (; n > 0; n -= 16, x += 16) {
        const mve_pred16_t live = vctp8q((uint32_t)n);
        most = vmaxvq_p_s8(most, vldrbq_z_s8(x, live), live);
    }
    return most;
}

/* Those of four values of x. */
static int32x4_t exponentials_of(const int32_t *table, int32_t top, const int8_t *x, mve_pred16_t live)
{
    const int32x4_t below = vsubq_s32(vdupq_n_s32(top), vldrbq_z_s32(x, live));
    return vldrwq_gather_shifted_offset_z_s32(table, vreinterpretq_u32_s32(below), live);
}

static int32_t sum_of(const int32_t *table, int32_t top, const int8_t *x, int32_t n)
{
    int32_t sum = 0;

    for (; n > 0; n -= 4, x += 4) {
        const mve_pred16_t live = vctp32q((uint32_t)n);
        sum = vaddvaq_p_s32(sum, vrshrq_n_s32(exponentials_of(table, top, x, live), 12), live);
    }
    return sum;
}

static void shares(const int32_t *table, int32_t top, int32_t inverse, int32_t shift, const int8_t *x, int32_t n,
                   int8_t *y)
{
    const int32x4_t most = vdupq_n_s32(127);

    for (; n > 0; n -= 4, x += 4, y += 4) {
        const mve_pred16_t live = vctp32q((uint32_t)n);
        const int32x4_t part = vqrdmulhq_n_s32(exponentials_of(table, top, x, live), inverse);
        const int32x4_t share = vsubq_n_s32(vrshlq_n_s32(part, -shift), 128);
        vstrbq_p_s32(y, vminq_s32(share, most), live);
    }
}

#else

#ifdef EC_HAVE_NEON
/* The exponentials of four values; e is that of 0. */
EC_INLINE int32x4_t four(const int32_t *e, const int8_t *x)
{
    int32x4_t v = vdupq_n_s32(e[-x[0]]);
    v = vld1q_lane_s32(e - x[1], v, 1);
    v = vld1q_lane_s32(e - x[2], v, 2);
    return vld1q_lane_s32(e - x[3], v, 3);
}

/* The sum of exponentials that come in fours, 1/4096 each; returns how many. */
static int32_t sum_fours(const int32_t *e, const int8_t *x, int32_t n, int32_t *sum)
{
    int32x4_t s = vdupq_n_s32(0);
    int32_t i = 0;

    for (; i + 4 <= n; i += 4) {
        s = vrsraq_n_s32(s, four(e, x + i), 12);
    }
    *sum += vaddvq_s32(s);
    return i;
}

/* The results that come in eights; returns how many. */
static int32_t divide_eights(const int32_t *e, const int8_t *x, int32_t n, int32_t inverse, int32_t shift, int8_t *y)
{
    const int32x4_t right = vdupq_n_s32(-shift);
    int32_t i = 0;

    for (; i + 8 <= n; i += 8) {
        const int32x4_t a = vrshlq_s32(vqrdmulhq_n_s32(four(e, x + i), inverse), right);
        const int32x4_t b = vrshlq_s32(vqrdmulhq_n_s32(four(e, x + i + 4), inverse), right);
        const int16x8_t q = vsubq_s16(vqmovn_high_s32(vqmovn_s32(a), b), vdupq_n_s16(128));
        vst1_s8(y + i, vqmovn_s16(q));
    }
    return i;
}
#endif

static int32_t largest(const int8_t *x, int32_t n)
{
    int32_t most = x[0];

    EC_NO_UNROLL
    for (int32_t i = 1; i < n; i++) {
        most = ec_max(most, x[i]);
    }
    return most;
}

static int32_t sum_of(const int32_t *table, int32_t top, const int8_t *x, int32_t n)
{
    int32_t sum = 0;
    int32_t i = 0;

#ifdef EC_HAVE_NEON
    i = sum_fours(table + top, x, n, &sum);
#endif
    EC_NO_UNROLL
    for (; i < n; i++) {
        sum += ec_rshift(table[top - x[i]], 12);
    }
    return sum;
}

static void shares(const int32_t *table, int32_t top, int32_t inverse, int32_t shift, const int8_t *x, int32_t n,
                   int8_t *y)
{
    int32_t i = 0;

#ifdef EC_HAVE_NEON
    i = divide_eights(table + top, x, n, inverse, shift, y);
#endif
    EC_NO_UNROLL
    for (; i < n; i++) {
        const int32_t part = ec_mulhigh(inverse, table[top - x[i]]);
        y[i] = (int8_t)ec_min(ec_rshift(part, shift) - 128, 127);
    }
}

#endif

static void softmax(const ec_softmax_s8_params *p, const int8_t *x, int8_t *y)
{
    const int32_t top = largest(x, p->length);
    int32_t bits;
    const int32_t inverse = ec_reciprocal(sum_of(p->exponentials, top, x, p->length), 12, &bits);
    const int32_t shift = bits + p->drop;

    if (shift > 31) {
        memset(y, -128, (size_t)p->length);
    } else {
        shares(p->exponentials, top, inverse, shift, x, p->length, y);
    }
}

void ec_softmax_s8(const ec_softmax_s8_params *p, const ec_window *in, const ec_window *out, int32_t first,
                   int32_t last, void *scratch)
{
    (void)scratch;
    for (int32_t row = first; row < last; row++) {
        const int8_t *x = ec_row_s8(in, row);
        int8_t *y = (int8_t *)ec_row(out, row);
        for (int32_t v = 0; v < p->vectors; v++) {
            softmax(p, x + v * p->length, y + v * p->length);
        }
    }
}
