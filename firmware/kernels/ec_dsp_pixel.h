/* The products of pixels of a depthwise convolution with the DSP extension, two taps an instruction.
 *
 * Two files have it: ec_dsp_taps.c for cores that issue one instruction a cycle, ec_dsp_taps_dual.c for the
 * Cortex-M7. A kernel's `needs` names one of them. The same with dense tables: ec_dsp_dense_taps.c and
 * ec_dsp_dense_taps_dual.c.
 *
 * taps: their addresses for the first pixel, `pairs` times two and `odd` one more, each of `channels` values. Fours of channels follow
 * each other; where channels is no multiple of 4, the last four overlap the four before. table: per four channels,
 * for two taps at a time, words for channels 0, 1, 2 and 3 with the earlier tap's weight in the lower halfword; of
 * an odd number of taps the last has words for channels 0 and 2, and 1 and 3. Dense: for two taps, a word for channels 0
 * and 1 and one for 2 and 3, the earlier tap's two in the lower bytes; a last one has its four in a word. Behind them, four
 * words of bias and shift, and then the mantissas of ec_finish.
 */
#ifndef EC_DSP_PIXEL_H
#define EC_DSP_PIXEL_H

#include "ec_dsp_requant.h"

typedef struct {
    const int8_t *const *taps;
    const uint32_t *table;
    int32_t last;   /* the first of the last four channels: channels - 4 */
    int32_t offset; /* twice the zero point of the result, plus 1 */
    int32_t pairs;
    int32_t odd;
    int32_t lo; /* the result is clamped to lo..hi */
    int32_t hi;
    int32_t step; /* bytes from the taps of a pixel to those of the next */
} ec_dsp_taps;

/* y = the results of all channels, of one pixel or of more side by side. */
void ec_dsp_taps_s8(const ec_dsp_taps *p, int8_t *y, int32_t pixels);
void ec_dsp_dense_taps_s8(const ec_dsp_taps *p, int8_t *y, int32_t pixels);

#endif
