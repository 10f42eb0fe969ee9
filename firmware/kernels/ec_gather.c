#include "ec_gather.h"

void ec_gather(const ec_gather_params *p, const ec_window *in, const ec_window *out,
               int32_t first, int32_t last, void *scratch)
{
    int32_t j = first * p->out_row / p->chunk;
    int32_t inside = first * p->out_row % p->chunk;

    (void)scratch;
    for (int32_t row = first; row < last; row++) {
        uint8_t *y = (uint8_t *)ec_row(out, row);
        int32_t left = p->out_row;

        while (left > 0) {
            const int32_t element = p->source[j] * p->chunk + inside;
            const int32_t at = element % p->in_row;
            const uint8_t *x = (const uint8_t *)ec_row(in, element / p->in_row) + at * p->width;
            const int32_t n = ec_min(ec_min(left, p->chunk - inside), p->in_row - at);

            memcpy(y, x, (size_t)(n * p->width));
            y += n * p->width;
            left -= n;
            inside += n;
            if (inside == p->chunk) {
                inside = 0;
                j++;
            }
        }
    }
}
