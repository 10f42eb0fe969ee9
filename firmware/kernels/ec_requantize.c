#include "ec_requantize.h"

#include "ec_neon_stream.h"

static int32_t convert(const ec_requantize_params *p, int32_t x, int32_t lo, int32_t hi)
{
    return ec_clamp(ec_requant(x - p->input_zero, p->multiplier, p->shift) + p->output_zero, lo, hi);
}

void ec_requantize(const ec_requantize_params *p, const ec_window *in, const ec_window *out, int32_t first,
                   int32_t last, void *scratch)
{
    const int32_t n = p->length;

    (void)scratch;
    for (int32_t row = first; row < last; row++) {
        const void *x = ec_row(in, row);
        void *y = ec_row(out, row);
        int32_t i = 0;

#ifdef EC_HAVE_NEON
        const ec_neon_sink to = {(int8_t *)y, p->wide_output, p->wide_output ? INT16_MIN : INT8_MIN,
                                 p->wide_output ? INT16_MAX : INT8_MAX};
        i = ec_neon_requant_eights(ec_neon_stream_of(x, p->wide_input, 1, p->input_zero), n, p->multiplier, p->shift,
                                   p->output_zero, to);
#endif
        for (; i < n; i++) {
            const int32_t v = p->wide_input ? ((const int16_t *)x)[i] : ((const int8_t *)x)[i];
            if (p->wide_output) {
                ((int16_t *)y)[i] = (int16_t)convert(p, v, INT16_MIN, INT16_MAX);
            } else {
                ((int8_t *)y)[i] = (int8_t)convert(p, v, INT8_MIN, INT8_MAX);
            }
        }
    }
}
