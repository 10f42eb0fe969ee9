/* ec_linear_s8_dsp for one vector in a row, with weights that come in parts: rows first .. last-1, `together` of them at
 * most, are read into scratch, and then come the results of one part after the other.
 *
 * part: its table is the layer's from its first result on, a multiple of 4; so is their number, but for the last part.
 * Aliasing: a result row may overlap the input rows; all have been read by then.
 * Scratch: as for ec_linear_s8_dsp. It has to stay from the first call to the last.
 */
#ifndef EC_LINEAR_S8_PARTS_DSP_H
#define EC_LINEAR_S8_PARTS_DSP_H

#include "ec_linear_s8_dsp.h"
#include "ec_part.h"

void ec_linear_s8_parts_dsp_load(const ec_linear_s8_dsp_params *p, const ec_window *in, int32_t first, int32_t last,
                                  void *scratch);

void ec_linear_s8_parts_dsp(const ec_linear_s8_dsp_params *p, const ec_part *part, const ec_window *out, int32_t first,
                             int32_t last, const void *scratch);

#endif
