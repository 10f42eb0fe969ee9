/* ec_dsp_taps_s8 in C. */
#ifndef EC_DSP_PIXEL_IN_C_H
#define EC_DSP_PIXEL_IN_C_H

#include "ec_dsp_pixel.h"

static inline void ec_dsp_taps_in_c(const ec_dsp_taps *p, int8_t *y)
{
    const uint32_t *w = p->table;

    for (int32_t c = 0;; c = ec_min(c + 4, p->last), w += 12) {
        const int8_t *const *t = p->taps;
        int32_t acc[4] = {0, 0, 0, 0};

        for (int32_t k = 0; k < p->pairs; k++, t += 2, w += 4) {
            const uint32_t a = ec_word(t[0] + c);
            const uint32_t b = ec_word(t[1] + c);
            const uint32_t low = (a & 0xFFFFu) | b << 16;
            const uint32_t high = (b & 0xFFFF0000u) | a >> 16;
            acc[0] = ec_smlad(ec_sxtb16(low), w[0], acc[0]);
            acc[1] = ec_smlad(ec_sxtb16(ec_ror(low, 8)), w[1], acc[1]);
            acc[2] = ec_smlad(ec_sxtb16(high), w[2], acc[2]);
            acc[3] = ec_smlad(ec_sxtb16(ec_ror(high, 8)), w[3], acc[3]);
        }
        if (p->odd) {
            const uint32_t a = ec_word(t[0] + c);
            acc[0] = ec_smlabb(ec_sxtb16(a), w[0], acc[0]);
            acc[1] = ec_smlabb(ec_sxtb16(ec_ror(a, 8)), w[1], acc[1]);
            acc[2] = ec_smlatt(ec_sxtb16(a), w[0], acc[2]);
            acc[3] = ec_smlatt(ec_sxtb16(ec_ror(a, 8)), w[1], acc[3]);
            w += 2;
        }
        for (int32_t k = 0; k < 4; k++) {
            const int32_t twice = (int32_t)(((uint32_t)acc[k] << 1) + w[k]);
            const int32_t x = ec_finish(twice, (int32_t)w[4 + k], (int32_t)w[8 + k], p->offset);
            y[c + k] = (int8_t)ec_clamp(x, p->lo, p->hi);
        }
        if (c == p->last) {
            return;
        }
    }
}

#endif
