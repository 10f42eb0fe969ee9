#include "kernel.h"

#if __STDC_HOSTED__ == 0
__attribute__((section(".weights")))
#endif
const int8_t kernel_weights[16] = {1, -2, 3, -4, 5, -6, 7, -8, 9, -10, 11, -12, 13, -14, 15, -16};
