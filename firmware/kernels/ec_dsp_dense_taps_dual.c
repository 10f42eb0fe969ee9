/* ec_dsp_pixel.h for the Cortex-M7, with dense tables: loads stand where they issue together with products, a pair of taps ahead. */
#include "ec_dsp_assembly.h"
#include "ec_dsp_pixel.h"

#ifdef EC_DSP_ASSEMBLY

/* Two taps of four channels, whose values are in a and b; the next two come into c and d, as `addresses` and
 * `values` say. r0: addresses of taps. r1: weights. r8 to r11: sums. */
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

#define THEN_TWO(a, b, c, d) \
    TWO_TAPS(a, b, "ldrd " c ", " d ", [r0], #8\n", "ldr " c ", [" c ", r12]\n", "ldr " d ", [" d ", r12]\n")
#define THEN_ONE(a, b, c) TWO_TAPS(a, b, "ldr " c ", [r0]\n", "ldr " c ", [" c ", r12]\n", "")
#define FIRST_TWO "ldrd r2, r3, [r0], #8\nldr r2, [r2, r12]\nldr r3, [r3, r12]\n"

/* One tap, whose values are in r2. */
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

#define EC_NINE_TAPS                                                               \
    FIRST_TWO THEN_TWO("r2", "r3", "r6", "r7") THEN_TWO("r6", "r7", "r2", "r3")    \
        THEN_TWO("r2", "r3", "r6", "r7") THEN_ONE("r6", "r7", "r2") ONE_TAP

#define EC_ANY_TAPS                                                  \
    "cbz r2, 4f\n"                                                   \
    "3: sub r2, r2, #1\n"                                            \
    "str r2, [sp, #-4]!\n" FIRST_TWO TWO_TAPS("r2", "r3", "", "", "") \
    "ldr r2, [sp], #4\n"                                             \
    "cmp r2, #0\n"                                                   \
    "bne 3b\n"                                                       \
    "4: ldr r3, [sp, #20]\n"                                         \
    "cbz r3, 5f\n"                                                   \
    "ldr r2, [r0]\n"                                                 \
    "ldr r2, [r2, r12]\n" ONE_TAP                                    \
    "5:\n"

#endif

#define EC_TAPS ec_dsp_dense_taps_s8
#define EC_DENSE 1

#include "ec_dsp_taps.inc"
