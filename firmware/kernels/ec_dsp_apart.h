/* The functions of ec_dsp_layer.h for weights that several layers have in common.
 *
 * table: the weights, group by group as there, with two words behind the last group, which may be read. ends: a table of the
 * layer's own with what is behind weights there, bias and shift in a word and the mantissa for each output, group by group.
 *
 * ec_dsp_apart_products.c and ec_dsp_apart_products_dual.c define them, for groups of 4 and of 2 outputs.
 */
#ifndef EC_DSP_APART_H
#define EC_DSP_APART_H

#include "ec_dsp_layer.h"

typedef struct { /* ends last: the rest as in ec_dsp_layer */
    const uint32_t *table;
    int32_t inputs;
    int32_t outputs;
    int32_t lo;
    int32_t hi;
    int32_t offset;
    const uint32_t *ends;
} ec_dsp_apart_layer;

void ec_dsp_apart_pair_s8(const ec_dsp_apart_layer *l, const uint32_t *column, int8_t *y0, int8_t *y1);
void ec_dsp_apart_pair_s16(const ec_dsp_apart_layer *l, const uint32_t *column, int16_t *y0, int16_t *y1);
void ec_dsp_apart_single_s8(const ec_dsp_apart_layer *l, const int8_t *x, int8_t *y);
void ec_dsp_apart_single_s16(const ec_dsp_apart_layer *l, const int8_t *x, int16_t *y);

#endif
