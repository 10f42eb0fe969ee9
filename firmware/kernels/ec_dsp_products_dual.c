/* ec_dsp_layer.h for the Cortex-M7, which issues two instructions a cycle: a multiplication with a load or with an
 * SXTB16 in front of it. The order of instructions is that of their pairs. Groups of two outputs. */
#include "ec_dsp_assembly.h"

#define EC_DSP_GROUP 2

#ifdef EC_DSP_ASSEMBLY
#include "ec_dsp_layer.h"

/* Four inputs of two vectors for outputs a and b, in 8 cycles and 64 bytes of code. r0: weights for inputs 1 and 3,
 * r1: the rest of the column. r2, r3: the vectors' inputs 0 and 2, r6: weights for these, loaded in the step before.
 * r8, r9: sums of 256a + b, r10, r11: of b. */
#define EC_PAIR_STEP           \
    "smlad r8, r2, r6, r8\n"   \
    "ldr.w r7, [r0], #4\n"     \
    "sxtb16 r12, r6\n"         \
    "smlad r9, r3, r6, r9\n"   \
    "smlad r10, r2, r12, r10\n" \
    "ldr.w r4, [r1], #4\n"     \
    "smlad r11, r3, r12, r11\n" \
    "ldr.w r5, [r1], #4\n"     \
    "smlad r8, r4, r7, r8\n"   \
    "ldr.w r6, [r0], #4\n"     \
    "sxtb16 r12, r7\n"         \
    "smlad r9, r5, r7, r9\n"   \
    "smlad r10, r4, r12, r10\n" \
    "ldr.w r2, [r1], #4\n"     \
    "smlad r11, r5, r12, r11\n" \
    "ldr.w r3, [r1], #4\n"

/* Four inputs of one vector for outputs a, b, c and d, in 10 cycles and 68 bytes of code. r0, r12: weights of a and b,
 * and of c and d. lr: the inputs, r2: of these 0 and 2, r4 to r7: weights, loaded in the step before. r8, r9: sums of
 * 256a + b and of 256c + d, r10, r11: of b and of d. */
#define EC_SINGLE_STEP          \
    "sxtb16 r3, lr, ror #8\n"   \
    "smlad r8, r2, r4, r8\n"    \
    "sxtb16 r4, r4\n"           \
    "smlad r9, r2, r6, r9\n"    \
    "sxtb16 r6, r6\n"           \
    "smlad r8, r3, r5, r8\n"    \
    "sxtb16 r5, r5\n"           \
    "smlad r10, r2, r4, r10\n"  \
    "smlad r11, r2, r6, r11\n"  \
    "ldr.w lr, [r1], #4\n"      \
    "smlad r9, r3, r7, r9\n"    \
    "sxtb16 r7, r7\n"           \
    "smlad r10, r3, r5, r10\n"  \
    "ldrd r4, r5, [r0], #8\n"   \
    "sxtb16 r2, lr\n"           \
    "smlad r11, r3, r7, r11\n"  \
    "ldrd r6, r7, [r12], #8\n"

#define EC_PAIR_BYTES "64"
#define EC_PAIR_READY "ldrd r12, lr, [sp, #16]\n"
#define EC_PAIR_END "cmp r1, lr\n"
#define EC_SINGLE_BYTES "68"
#define EC_SINGLE_FIRST "ldrd r4, r5, [r0], #8\n"
#define EC_SINGLE_SECOND "ldrd r6, r7, [r12], #8\n"
#define EC_SINGLE_END
#define EC_GROUP_BYTES "lsl r5, r6, #1\n"
#define EC_UPPER
#define EC_TWICE "asr #7"

#include "ec_dsp_dual.inc"

#endif

#include "ec_dsp_entries.inc"
