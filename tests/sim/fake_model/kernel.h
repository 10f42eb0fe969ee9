#ifndef KERNEL_H
#define KERNEL_H

#include <stdint.h>

extern const int8_t kernel_weights[16];

void kernel_scale(const int8_t *x, int8_t *y, int32_t first, int32_t last);
void kernel_sum(const int8_t *x, uint8_t *y, int32_t first, int32_t last);

#endif
