#include "ec_softmax_s8.h"

#include "ec_neon.h"
#include "ec_reciprocal.h"

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
    const int32x4_t right = vdupq_n_s32(-ec_min(shift, 32)); /* of 32 bits that leaves nothing */
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

static void softmax(const ec_softmax_s8_params *p, const int8_t *x, int8_t *y)
{
    int32_t top = x[0];
    int32_t sum = 0;
    int32_t bits;

    for (int32_t i = 1; i < p->length; i++) {
        top = ec_max(top, x[i]);
    }
    int32_t i = 0;
#ifdef EC_HAVE_NEON
    i = sum_fours(p->exponentials + top, x, p->length, &sum);
#endif
    for (; i < p->length; i++) {
        sum += ec_rshift(p->exponentials[top - x[i]], 12);
    }
    const int32_t inverse = ec_reciprocal(sum, 12, &bits);
    const int32_t shift = bits + p->drop;
    i = 0;
#ifdef EC_HAVE_NEON
    i = divide_eights(p->exponentials + top, x, p->length, inverse, shift, y);
#endif
    for (; i < p->length; i++) {
        const int32_t part = ec_mulhigh(inverse, p->exponentials[top - x[i]]);
        y[i] = (int8_t)ec_min((shift > 31 ? 0 : ec_rshift(part, shift)) - 128, 127);
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
