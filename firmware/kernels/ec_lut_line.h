/* A function given by points 128 apart on the int16 range, a line between them. */
#ifndef EC_LUT_LINE_H
#define EC_LUT_LINE_H

#include "edgec.h"

/* table [513]; the result is in 1/128 of its unit. */
static inline int32_t ec_lut_line(const int16_t *table, int32_t x)
{
    const int16_t *t = table + ((x + 32768) >> 7);
    return t[0] * 128 + (t[1] - t[0]) * (x & 127);
}

#endif
