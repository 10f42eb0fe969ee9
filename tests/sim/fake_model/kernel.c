#include "kernel.h"

#include <string.h>

void kernel_scale(const int8_t *x, int8_t *y, int32_t first, int32_t last)
{
    for (int32_t i = first; i < last; i++) {
        y[i] = (int8_t)((x[i] * kernel_weights[i % 16]) >> 4);
    }
}

void kernel_sum(const int8_t *x, uint8_t *y, int32_t first, int32_t last)
{
    int16_t part[90];

    for (int32_t i = first; i < last; i++) {
        int64_t sum = 0;
        int32_t result;
        for (int32_t k = 0; k < 90; k++) {
            part[k] = (int16_t)(x[90 * i + k] * (k + 1));
        }
        for (int32_t k = 0; k < 90; k++) {
            sum += (int64_t)part[89 - k] << 20;
        }
        result = (int32_t)(sum / (int64_t)(123457 + i));
        memcpy(y + 4 * i, &result, sizeof result);
    }
}
