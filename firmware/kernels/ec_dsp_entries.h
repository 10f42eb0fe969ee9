/* The entries of ec_dsp_layer.h around one file's assembly, or without it.
 *
 * EC_DSP_GROUP: outputs of a group. Where EC_DSP_ASSEMBLY is defined, pair_s8, pair_s8_clamped, pair_s16, single_s8,
 * single_s8_clamped and single_s16 do whole groups; single's take 4 outputs at a time.
 */
#ifndef EC_DSP_ENTRIES_H
#define EC_DSP_ENTRIES_H

#include "ec_dsp_layer.h"

#ifndef EC_DSP_GROUP
#define EC_DSP_GROUP 4
#endif

#ifdef EC_DSP_ASSEMBLY

/* The last outputs, fewer than a group, of a table whose last group is filled up. */
static ec_dsp_layer last_group(const ec_dsp_layer *l, int32_t whole)
{
    ec_dsp_layer last = *l;

    last.table += whole / EC_DSP_GROUP * (EC_DSP_GROUP / 2 * l->inputs / 2 + 4 * EC_DSP_GROUP);
    last.outputs = EC_DSP_GROUP;
    return last;
}

#define EC_DSP_PAIR(suffix, type, run)                                                                    \
    void ec_dsp_pair_##suffix(const ec_dsp_layer *l, const uint32_t *column, type *y0, type *y1)          \
    {                                                                                                     \
        const int32_t whole = l->outputs / EC_DSP_GROUP * EC_DSP_GROUP;                                   \
        const size_t rest = (size_t)(l->outputs - whole) * sizeof *y0;                                    \
        if (whole > 0) {                                                                                  \
            run(l, column, y0, y1);                                                                       \
        }                                                                                                 \
        if (rest > 0) {                                                                                   \
            const ec_dsp_layer last = last_group(l, whole);                                               \
            type y[2][EC_DSP_GROUP];                                                                      \
            run(&last, column, y[0], y[1]);                                                               \
            memcpy(y0 + whole, y[0], rest);                                                               \
            memcpy(y1 + whole, y[1], rest);                                                               \
        }                                                                                                 \
    }

#define EC_DSP_SINGLE(suffix, type, run)                                                                  \
    void ec_dsp_single_##suffix(const ec_dsp_layer *l, const int8_t *x, type *y)                          \
    {                                                                                                     \
        if (l->outputs >= 4) {                                                                            \
            run(l, x, y);                                                                                 \
        }                                                                                                 \
        if ((l->outputs & 3) != 0) {                                                                      \
            ec_dsp_vector_in_c(l, EC_DSP_GROUP, l->outputs & ~3, x, y, (int32_t)sizeof *y);               \
        }                                                                                                 \
    }

static void run_pair_s8(const ec_dsp_layer *l, const uint32_t *column, int8_t *y0, int8_t *y1)
{
    if (l->lo > INT8_MIN || l->hi < INT8_MAX) {
        pair_s8_clamped(l, column, y0, y1);
    } else {
        pair_s8(l, column, y0, y1);
    }
}

static void run_single_s8(const ec_dsp_layer *l, const int8_t *x, int8_t *y)
{
    if (l->lo > INT8_MIN || l->hi < INT8_MAX) {
        single_s8_clamped(l, x, y);
    } else {
        single_s8(l, x, y);
    }
}

EC_DSP_PAIR(s8, int8_t, run_pair_s8)
EC_DSP_PAIR(s16, int16_t, pair_s16)
EC_DSP_SINGLE(s8, int8_t, run_single_s8)
EC_DSP_SINGLE(s16, int16_t, single_s16)

#else

#define EC_DSP_IN_C(suffix, type)                                                                         \
    void ec_dsp_pair_##suffix(const ec_dsp_layer *l, const uint32_t *column, type *y0, type *y1)          \
    {                                                                                                     \
        ec_dsp_column_in_c(l, EC_DSP_GROUP, column, 0, y0, (int32_t)sizeof *y0);                          \
        ec_dsp_column_in_c(l, EC_DSP_GROUP, column, 1, y1, (int32_t)sizeof *y1);                          \
    }                                                                                                     \
                                                                                                          \
    void ec_dsp_single_##suffix(const ec_dsp_layer *l, const int8_t *x, type *y)                          \
    {                                                                                                     \
        ec_dsp_vector_in_c(l, EC_DSP_GROUP, 0, x, y, (int32_t)sizeof *y);                                 \
    }

EC_DSP_IN_C(s8, int8_t)
EC_DSP_IN_C(s16, int16_t)

#endif

#endif
