/* The entries of ec_dsp_layer.h around one file's assembly, or without it.
 *
 * EC_DSP_GROUP: outputs of a group. Where EC_DSP_ASSEMBLY is defined, pair_s8, pair_s8_clamped, pair_s16, single_s8,
 * single_s8_clamped and single_s16 do whole groups; single's take 4 outputs at a time.
 */
#ifndef EC_DSP_ENTRIES_H
#define EC_DSP_ENTRIES_H

#include "ec_dsp_layer.h"

#ifdef EC_DSP_ASSEMBLY
#define EC_DSP_WHOLE(l, group) ((l)->outputs / (group) * (group))
#define EC_DSP_RUN(clamped, f, ...)       \
    if (clamped) {                        \
        f##_clamped(__VA_ARGS__);         \
    } else {                              \
        f(__VA_ARGS__);                   \
    }
#else
#define EC_DSP_WHOLE(l, group) 0
#endif

void ec_dsp_pair_s8(const ec_dsp_layer *l, const uint32_t *column, int8_t *y0, int8_t *y1)
{
    const int32_t whole = EC_DSP_WHOLE(l, EC_DSP_GROUP);
#ifdef EC_DSP_ASSEMBLY
    if (whole > 0) {
        EC_DSP_RUN(l->lo > INT8_MIN || l->hi < INT8_MAX, pair_s8, l, column, y0, y1)
    }
#endif
    if (whole < l->outputs) {
        ec_dsp_column_in_c(l, EC_DSP_GROUP, whole, column, 0, y0, 1);
        ec_dsp_column_in_c(l, EC_DSP_GROUP, whole, column, 1, y1, 1);
    }
}

void ec_dsp_pair_s16(const ec_dsp_layer *l, const uint32_t *column, int16_t *y0, int16_t *y1)
{
    const int32_t whole = EC_DSP_WHOLE(l, EC_DSP_GROUP);
#ifdef EC_DSP_ASSEMBLY
    if (whole > 0) {
        pair_s16(l, column, y0, y1);
    }
#endif
    if (whole < l->outputs) {
        ec_dsp_column_in_c(l, EC_DSP_GROUP, whole, column, 0, y0, 2);
        ec_dsp_column_in_c(l, EC_DSP_GROUP, whole, column, 1, y1, 2);
    }
}

void ec_dsp_single_s8(const ec_dsp_layer *l, const int8_t *x, int8_t *y)
{
    const int32_t whole = EC_DSP_WHOLE(l, 4);
#ifdef EC_DSP_ASSEMBLY
    if (whole > 0) {
        EC_DSP_RUN(l->lo > INT8_MIN || l->hi < INT8_MAX, single_s8, l, x, y)
    }
#endif
    if (whole < l->outputs) {
        ec_dsp_vector_in_c(l, EC_DSP_GROUP, whole, x, y, 1);
    }
}

void ec_dsp_single_s16(const ec_dsp_layer *l, const int8_t *x, int16_t *y)
{
    const int32_t whole = EC_DSP_WHOLE(l, 4);
#ifdef EC_DSP_ASSEMBLY
    if (whole > 0) {
        single_s16(l, x, y);
    }
#endif
    if (whole < l->outputs) {
        ec_dsp_vector_in_c(l, EC_DSP_GROUP, whole, x, y, 2);
    }
}

#endif
