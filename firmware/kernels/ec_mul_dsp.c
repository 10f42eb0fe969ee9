#include "ec_mul_dsp.h"

#include "ec_dsp_requant.h"

static inline int32_t element(const ec_mul_dsp_params *p, int32_t x, int32_t z)
{
    const int32_t v = ec_smmulr((2 * x - p->doubled) * (z - p->z_zero), p->y_multiplier);
    return (((v + (v >> 31)) >> p->y_shift) + p->y_offset) >> 1;
}

/* n products. The parameters are copied: a store of a result could change them in memory. */
#define LOOP(name, x_type, z_type, y_type, lowest, highest)                                                \
    static void name(const ec_mul_dsp_params *params, const x_type *x, const z_type *z, y_type *y)         \
    {                                                                                                      \
        const ec_mul_dsp_params p = *params;                                                               \
        const x_type *end = x + (p.inner & ~1);                                                            \
        EC_NO_UNROLL                                                                                       \
        for (; x < end; x += 2, z += 2, y += 2) {                                                          \
            y[0] = (y_type)ec_clamp(element(&p, x[0], z[0]), lowest, highest);                             \
            y[1] = (y_type)ec_clamp(element(&p, x[1], z[1]), lowest, highest);                             \
        }                                                                                                  \
        if (p.inner & 1) {                                                                                 \
            y[0] = (y_type)ec_clamp(element(&p, x[0], z[0]), lowest, highest);                             \
        }                                                                                                  \
    }

LOOP(s8, int8_t, int8_t, int8_t, INT8_MIN, INT8_MAX)
LOOP(s8_s16, int8_t, int8_t, int16_t, INT16_MIN, INT16_MAX)
LOOP(s16_s8, int16_t, int8_t, int8_t, INT8_MIN, INT8_MAX)
LOOP(s16, int16_t, int8_t, int16_t, INT16_MIN, INT16_MAX)

static void run_of(const ec_mul_dsp_params *p, const void *x, const void *z, void *y)
{
    const int8_t *narrow = (const int8_t *)z;

    if (p->a_wide || p->b_wide) {
        if (p->y_wide) {
            s16(p, (const int16_t *)x, narrow, (int16_t *)y);
        } else {
            s16_s8(p, (const int16_t *)x, narrow, (int8_t *)y);
        }
    } else if (p->y_wide) {
        s8_s16(p, (const int8_t *)x, narrow, (int16_t *)y);
    } else {
        s8(p, (const int8_t *)x, narrow, (int8_t *)y);
    }
}

void ec_mul_dsp(const ec_mul_dsp_params *p, const ec_window *in, const ec_window *out, int32_t first,
                int32_t last, void *scratch)
{
    ec_binary common;

    (void)scratch;
    memcpy(&common, p, sizeof common);
    const ec_binary_windows w = ec_binary_windows_of(&common, in);
    for (int32_t row = first; row < last; row++) {
        const void *a = ec_binary_a(&common, w.a, row);
        const void *b = ec_binary_b(&common, w.b, row);
        int8_t *y = (int8_t *)ec_row(out, row);

        for (int32_t done = 0; done < p->row_size; done += p->inner) {
            run_of(p, p->swapped ? b : a, p->swapped ? a : b, y);
            a = ec_binary_moved(a, p->a_wide, p->a_outer);
            b = ec_binary_moved(b, p->b_wide, p->b_outer);
            y += p->y_wide ? 2 * p->inner : p->inner;
        }
    }
}
