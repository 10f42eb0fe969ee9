/* 2-D convolution with the DSP extension, with coded weights (ec_coded.h): otherwise as ec_conv2d_s8_dsp.h has it.
 *
 * together: pixels that share what is taken apart, up to 32.
 * Aliasing: as there; of the rows of a block, all are read before the first is written.
 * Scratch: the tables of ec_coded_tables, `room` bytes, and `inner` for what the kernel without codes needs: a column for each
 * two pixels.
 */
#ifndef EC_CONV2D_S8_DSP_CODED_H
#define EC_CONV2D_S8_DSP_CODED_H

#include "ec_coded.h"
#include "ec_conv2d_s8_dsp.h"

typedef struct {
    ec_conv2d_s8_dsp_params layer;
    ec_coded coded;
} ec_conv2d_s8_dsp_coded_params;

void ec_conv2d_s8_dsp_coded(const ec_conv2d_s8_dsp_coded_params *p, const ec_window *in, const ec_window *out,
                            int32_t first, int32_t last, void *scratch);

#endif
