#include "ec_dsp_assembly.h"
#include "ec_dsp_pixel.h"

#define PAIR "8"
#define WEIGHTS(w)            \
    "ldr r4, [r1, #" w "]\n"  \
    "ldr r6, [r1, #" w "+4]\n"
#define WEIGHT(w) "ldr r4, [r1, #" w "]\n"
#define SPREAD_FIRST          \
    "sxtb16 r5, r4, ror #8\n" \
    "sxtb16 r4, r4\n"
#define SPREAD_SECOND         \
    "sxtb16 r7, r6, ror #8\n" \
    "sxtb16 r6, r6\n"

#define EC_TAPS ec_dsp_dense_taps_s8
#define EC_DENSE 1

#include "ec_dsp_taps_single.inc"
