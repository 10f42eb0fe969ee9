#include "ec_dsp_assembly.h"
#include "ec_dsp_pixel.h"

#define TWO_TAPS(a, b, addresses, values0, values1) \
    addresses                                       \
    "ldr r4, [r1], #4\n"                            \
    "pkhbt lr, " a ", " b ", lsl #16\n"             \
    "pkhtb " a ", " b ", " a ", asr #16\n"          \
    values0                                         \
    "sxtb16 " b ", lr\n"                            \
    "sxtb16 r5, r4\n"                               \
    "smlad r8, " b ", r5, r8\n"                     \
    "sxtb16 lr, lr, ror #8\n"                       \
    "sxtb16 r4, r4, ror #8\n"                       \
    "smlad r9, lr, r4, r9\n"                        \
    "ldr lr, [r1], #4\n"                            \
    "sxtb16 " b ", " a "\n"                         \
    values1                                         \
    "sxtb16 " a ", " a ", ror #8\n"                 \
    "sxtb16 r5, lr\n"                               \
    "smlad r10, " b ", r5, r10\n"                   \
    "sxtb16 lr, lr, ror #8\n"                       \
    "smlad r11, " a ", lr, r11\n"

#define ONE_TAP                 \
    "ldr r4, [r1], #4\n"        \
    "sxtb16 r3, r2\n"           \
    "sxtb16 r2, r2, ror #8\n"   \
    "sxtb16 r5, r4, ror #8\n"   \
    "sxtb16 r4, r4\n"           \
    "smlabb r8, r3, r4, r8\n"   \
    "smlatt r10, r3, r4, r10\n" \
    "smlabb r9, r2, r5, r9\n"   \
    "smlatt r11, r2, r5, r11\n"

#define EC_TAPS ec_dsp_dense_taps_s8
#define EC_DENSE 1

#include "ec_dsp_taps_dual.inc"
