#include "ec_resize_bilinear_s8.h"

/* Between which two of `size` pixels a position lies, and how far behind the first, in 1/1024. */
typedef struct {
    int32_t before;
    int32_t behind;
    int32_t weight;
} place;

static place place_of(int32_t i, int32_t scale, int32_t offset, int32_t size)
{
    const int32_t at = ec_clamp(i * scale + offset, 0, (size - 1) * 1024);
    place p;
    p.before = at / 1024;
    p.behind = (at + 1023) / 1024;
    p.weight = at % 1024;
    return p;
}

void ec_resize_bilinear_s8(const ec_resize_bilinear_s8_params *p, const ec_window *in, const ec_window *out,
                           int32_t first, int32_t last, void *scratch)
{
    const int32_t n = p->channels;
    (void)scratch;

    for (int32_t row = first; row < last; row++) {
        const int32_t image = row / p->out_height;
        const place v = place_of(row - image * p->out_height, p->scale_y, p->offset_y, p->height);
        const int8_t *above = ec_row_s8(in, image * p->height + v.before);
        const int8_t *below = ec_row_s8(in, image * p->height + v.behind);
        int8_t *y = (int8_t *)ec_row(out, row);

        for (int32_t i = 0; i < p->out_width; i++, y += n) {
            const place h = place_of(i, p->scale_x, p->offset_x, p->width);
            const int32_t w00 = (1024 - v.weight) * (1024 - h.weight);
            const int32_t w01 = (1024 - v.weight) * h.weight;
            const int32_t w10 = v.weight * (1024 - h.weight);
            const int32_t w11 = v.weight * h.weight;
            for (int32_t c = 0; c < n; c++) {
                const int32_t left = h.before * n + c;
                const int32_t right = h.behind * n + c;
                const int32_t s = above[left] * w00 + above[right] * w01 + below[left] * w10 + below[right] * w11;
                y[c] = (int8_t)((s + (s > 0 ? 1 << 19 : -(1 << 19))) / (1 << 20));
            }
        }
    }
}
