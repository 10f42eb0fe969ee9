#include "ec_dsp_assembly.h"
#include "ec_dsp_pixel.h"

#ifdef EC_DSP_ASSEMBLY

/* Two taps of four channels. r0: addresses of taps, r1: weights, with offsets t and w. r8 to r11: sums. Loads stand
 * side by side, where they take a cycle each. */
#define TWO_TAPS(t, w)             \
    "ldr r2, [r0, #" t "]\n"       \
    "ldr r3, [r0, #" t "+4]\n"     \
    "ldr r4, [r1, #" w "]\n"       \
    "ldr r6, [r1, #" w "+4]\n"     \
    "ldr r2, [r2, r12]\n"          \
    "ldr r3, [r3, r12]\n"          \
    "sxtb16 r5, r4, ror #8\n"      \
    "sxtb16 r4, r4\n"              \
    "pkhbt lr, r2, r3, lsl #16\n"  \
    "pkhtb r2, r3, r2, asr #16\n"  \
    "sxtb16 r3, lr\n"              \
    "sxtb16 lr, lr, ror #8\n"      \
    "smlad r8, r3, r4, r8\n"       \
    "smlad r9, lr, r5, r9\n"       \
    "sxtb16 r7, r6, ror #8\n"      \
    "sxtb16 r6, r6\n"              \
    "sxtb16 r3, r2\n"              \
    "sxtb16 r2, r2, ror #8\n"      \
    "smlad r10, r3, r6, r10\n"     \
    "smlad r11, r2, r7, r11\n"

#define ONE_TAP(t, w)           \
    "ldr r2, [r0, #" t "]\n"    \
    "ldr r4, [r1, #" w "]\n"    \
    "ldr r2, [r2, r12]\n"       \
    "sxtb16 r5, r4, ror #8\n"   \
    "sxtb16 r4, r4\n"           \
    "sxtb16 r3, r2\n"           \
    "sxtb16 r2, r2, ror #8\n"   \
    "smlabb r8, r3, r4, r8\n"   \
    "smlabb r9, r2, r5, r9\n"   \
    "smlatt r10, r3, r4, r10\n" \
    "smlatt r11, r2, r5, r11\n"

#define EC_NINE_TAPS                                                                              \
    TWO_TAPS("0", "0") TWO_TAPS("8", "8") TWO_TAPS("16", "16") TWO_TAPS("24", "24") ONE_TAP("32", "32") \
    "add r1, r1, #36\n"

#define EC_ANY_TAPS                          \
    "cbz r2, 4f\n"                           \
    "3: sub r2, r2, #1\n"                    \
    "str r2, [sp, #-4]!\n" TWO_TAPS("0", "0") \
    "ldr r2, [sp], #4\n"                     \
    "add r0, r0, #8\n"                       \
    "add r1, r1, #8\n"                       \
    "cmp r2, #0\n"                           \
    "bne 3b\n"                               \
    "4: ldr r2, [sp, #20]\n"                 \
    "cbz r2, 5f\n" ONE_TAP("0", "0")         \
    "add r1, r1, #4\n"                       \
    "5:\n"

#endif

#define EC_TAPS ec_dsp_dense_taps_s8
#define EC_DENSE 1

#include "ec_dsp_taps.inc"
