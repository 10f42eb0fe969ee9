#include "ec_add_dsp.h"

#include "ec_dsp_requant.h"

/* The parameters of the loop, in registers: a store of a result could change those in memory. */
typedef struct {
    int32_t x_zero;
    int32_t z_zero;
    int32_t z_multiplier;
    int32_t z_shift;
    int32_t y_multiplier;
    int32_t y_shift;
    int32_t y_offset;
} unit;

static inline int32_t scaled(const unit *u, int32_t z, int32_t left)
{
    const int32_t v = ec_smmulr((int32_t)((uint32_t)z << (left + 1)) - u->z_zero, u->z_multiplier);
    return (v + (v >> 31)) >> u->z_shift;
}

/* Twice the result, not clamped, of twice the sum. */
static inline int32_t finished(const unit *u, int32_t sum)
{
    const int32_t v = ec_smmulr(sum, u->y_multiplier);
    return ((v + (v >> 31)) >> u->y_shift) + u->y_offset;
}

/* A is even, and one less than its zero point's share taken from it: that makes B's last rounding. */
static inline int32_t element(const unit *u, int32_t x, int32_t z, int32_t left)
{
    const int32_t a = (int32_t)((uint32_t)x << left) - u->x_zero;
    return finished(u, (int32_t)((uint32_t)(a + scaled(u, z, left)) & ~1u));
}

/* Sums of n values; the result takes the whole range of its type. */
#define LOOP(name, x_type, z_type, y_type, left, lowest, highest)                                          \
    static void name(const unit *params, const x_type *x, const z_type *z, y_type *y, int32_t n)           \
    {                                                                                                      \
        const unit u = *params;                                                                            \
        const x_type *end = x + (n & ~1);                                                                  \
        EC_NO_UNROLL                                                                                       \
        for (; x < end; x += 2, z += 2, y += 2) {                                                          \
            y[0] = (y_type)ec_clamp(element(&u, x[0], z[0], left) >> 1, lowest, highest);                  \
            y[1] = (y_type)ec_clamp(element(&u, x[1], z[1], left) >> 1, lowest, highest);                  \
        }                                                                                                  \
        if (n & 1) {                                                                                       \
            y[0] = (y_type)ec_clamp(element(&u, x[0], z[0], left) >> 1, lowest, highest);                  \
        }                                                                                                  \
    }

LOOP(s8, int8_t, int8_t, int8_t, 20, INT8_MIN, INT8_MAX)
LOOP(s8_s8_s16, int8_t, int8_t, int16_t, 20, INT16_MIN, INT16_MAX)
LOOP(s8_s16_s16, int8_t, int16_t, int16_t, 15, INT16_MIN, INT16_MAX)
LOOP(s16_s8_s16, int16_t, int8_t, int16_t, 15, INT16_MIN, INT16_MAX)
LOOP(s16, int16_t, int16_t, int16_t, 15, INT16_MIN, INT16_MAX)

/* Of int8 values, sums and differences in any range. */
static void within(const ec_add_dsp_params *p, const unit *params, const int8_t *x, const int8_t *z, int8_t *y)
{
    const unit u = *params;
    const int32_t lo = p->lo;
    const int32_t hi = p->hi;
    const int32_t a_sign = p->sign == 2 ? -1 : 1;
    const int32_t b_sign = p->sign == 1 ? -1 : 1;

    for (int32_t i = 0; i < p->inner; i++) {
        const int32_t a = (int32_t)((uint32_t)x[i] << 20) - u.x_zero - 1;
        const int32_t b = (int32_t)((uint32_t)(scaled(&u, z[i], 20) + 1) & ~1u);
        y[i] = (int8_t)ec_clamp(finished(&u, a * a_sign + b * b_sign) >> 1, lo, hi);
    }
}

static void run_of(const ec_add_dsp_params *p, const unit *u, const void *x, int32_t x_wide, const void *z,
                   int32_t z_wide, void *y)
{
    if (!p->y_wide) {
        if (p->sign == 0 && p->lo == INT8_MIN && p->hi == INT8_MAX) {
            s8(u, (const int8_t *)x, (const int8_t *)z, (int8_t *)y, p->inner);
        } else {
            within(p, u, (const int8_t *)x, (const int8_t *)z, (int8_t *)y);
        }
    } else if (x_wide) {
        if (z_wide) {
            s16(u, (const int16_t *)x, (const int16_t *)z, (int16_t *)y, p->inner);
        } else {
            s16_s8_s16(u, (const int16_t *)x, (const int8_t *)z, (int16_t *)y, p->inner);
        }
    } else if (z_wide) {
        s8_s16_s16(u, (const int8_t *)x, (const int16_t *)z, (int16_t *)y, p->inner);
    } else {
        s8_s8_s16(u, (const int8_t *)x, (const int8_t *)z, (int16_t *)y, p->inner);
    }
}

void ec_add_dsp(const ec_add_dsp_params *p, const ec_window *in, const ec_window *out, int32_t first,
                int32_t last, void *scratch)
{
    const unit u = {p->x_zero,       p->z_zero,  p->z_multiplier, p->z_shift,
                    p->y_multiplier, p->y_shift, p->y_offset};
    ec_binary common;

    (void)scratch;
    memcpy(&common, p, sizeof common);
    const ec_binary_windows w = ec_binary_windows_of(&common, in);
    for (int32_t row = first; row < last; row++) {
        const void *a = ec_binary_a(&common, w.a, row);
        const void *b = ec_binary_b(&common, w.b, row);
        int8_t *y = (int8_t *)ec_row(out, row);

        for (int32_t done = 0; done < p->row_size; done += p->inner) {
            if (p->swapped) {
                run_of(p, &u, b, p->b_wide, a, p->a_wide, y);
            } else {
                run_of(p, &u, a, p->a_wide, b, p->b_wide, y);
            }
            a = ec_binary_moved(a, p->a_wide, p->a_outer);
            b = ec_binary_moved(b, p->b_wide, p->b_outer);
            y += p->y_wide ? 2 * p->inner : p->inner;
        }
    }
}
