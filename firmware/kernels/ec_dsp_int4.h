/* The functions of ec_dsp_layer.h for weights of int4, multiples of 16 from -112 to 112.
 *
 * The weights 16a and 16b of two outputs share a byte, 16a + b. SXTB16 of these, and of the same bytes shifted by four bits, with
 * a mask, are factors for SMLAD: the sums of x * (16a + b) and of x * 16b. The first less a sixteenth of the second is that of
 * x * 16a. So no weight is taken apart by itself.
 *
 * table: group by group of two outputs, and for each four inputs of a group a word, their bytes in order. Behind a group's
 * weights, as in ec_dsp_layer.h.
 */
#ifndef EC_DSP_INT4_H
#define EC_DSP_INT4_H

#include "ec_dsp_layer.h"

void ec_dsp_int4_pair_s8(const ec_dsp_layer *l, const uint32_t *column, int8_t *y0, int8_t *y1);
void ec_dsp_int4_pair_s16(const ec_dsp_layer *l, const uint32_t *column, int16_t *y0, int16_t *y1);
void ec_dsp_int4_single_s8(const ec_dsp_layer *l, const int8_t *x, int8_t *y);
void ec_dsp_int4_single_s16(const ec_dsp_layer *l, const int8_t *x, int16_t *y);

#endif
