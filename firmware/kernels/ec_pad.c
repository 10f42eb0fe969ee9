#include "ec_pad.h"

/* n elements of the fill value at y; returns what follows them. */
static uint8_t *fill(const ec_pad_params *p, uint8_t *y, int32_t n)
{
    for (int32_t i = 0; i < n; i++) {
        const int16_t half = (int16_t)p->fill;
        switch (p->element) {
        case 1:
            y[i] = (uint8_t)p->fill;
            break;
        case 2:
            memcpy(y + 2 * i, &half, sizeof half);
            break;
        default:
            memcpy(y + 4 * i, &p->fill, sizeof p->fill);
            break;
        }
    }
    return y + n * p->element;
}

void ec_pad(const ec_pad_params *p, const ec_window *in, const ec_window *out, int32_t first, int32_t last,
            void *scratch)
{
    const int32_t bytes = p->length * p->element;
    const int32_t whole = p->left + p->segments * (p->before + p->length + p->after) + p->right;

    (void)scratch;
    for (int32_t row = first; row < last; row++) {
        uint8_t *y = (uint8_t *)ec_row(out, row);
        const uint8_t *x;

        if (p->source[row] < 0) {
            (void)fill(p, y, whole);
            continue;
        }
        x = (const uint8_t *)ec_row(in, p->source[row]);
        y = fill(p, y, p->left);
        for (int32_t s = 0; s < p->segments; s++, x += bytes) {
            y = fill(p, y, p->before);
            memcpy(y, x, (size_t)bytes);
            y = fill(p, y + bytes, p->after);
        }
        (void)fill(p, y, p->right);
    }
}
