#include "ec_dsp_assembly.h"
#include "ec_dsp_pixel.h"

#define PAIR "16"
#define WEIGHTS(w)               \
    "ldr r4, [r1, #" w "]\n"     \
    "ldr r5, [r1, #" w "+4]\n"   \
    "ldr r6, [r1, #" w "+8]\n"   \
    "ldr r7, [r1, #" w "+12]\n"
#define WEIGHT(w)             \
    "ldr r4, [r1, #" w "]\n"  \
    "ldr r5, [r1, #" w "+4]\n"
#define SPREAD_FIRST ""
#define SPREAD_SECOND ""

#define EC_TAPS ec_dsp_taps_s8
#define EC_DENSE 0

#include "ec_dsp_taps_single.inc"
