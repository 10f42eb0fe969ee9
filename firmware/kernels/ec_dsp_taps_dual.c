#include "ec_dsp_assembly.h"
#include "ec_dsp_pixel.h"

#define TWO_TAPS(a, b, addresses, values0, values1) \
    addresses                                       \
    "ldrd r4, r5, [r1], #8\n"                       \
    "pkhbt lr, " a ", " b ", lsl #16\n"             \
    "pkhtb " a ", " b ", " a ", asr #16\n"          \
    values0                                         \
    "sxtb16 " b ", lr\n"                            \
    values1                                         \
    "sxtb16 lr, lr, ror #8\n"                       \
    "smlad r8, " b ", r4, r8\n"                     \
    "sxtb16 " b ", " a "\n"                         \
    "smlad r9, lr, r5, r9\n"                        \
    "ldrd r4, r5, [r1], #8\n"                       \
    "sxtb16 " a ", " a ", ror #8\n"                 \
    "smlad r10, " b ", r4, r10\n"                   \
    "smlad r11, " a ", r5, r11\n"

#define ONE_TAP                 \
    "ldrd r4, r5, [r1], #8\n"   \
    "sxtb16 r3, r2\n"           \
    "sxtb16 r2, r2, ror #8\n"   \
    "smlabb r8, r3, r4, r8\n"   \
    "smlatt r10, r3, r4, r10\n" \
    "smlabb r9, r2, r5, r9\n"   \
    "smlatt r11, r2, r5, r11\n"

#define EC_TAPS ec_dsp_taps_s8
#define EC_DENSE 0

#include "ec_dsp_taps_dual.inc"
