/* ec_dsp_layer.h for the Cortex-M7, which issues two instructions a cycle: a multiplication with a load or with an
 * SXTB16 in front of it. The order of instructions is that of their pairs. Groups of two outputs. */
#include "ec_dsp_assembly.h"

#define EC_DSP_GROUP 2

#ifdef EC_DSP_ASSEMBLY
#include "ec_dsp_layer.h"

/* Four inputs of two vectors for outputs a and b, in 8 cycles. r0: weights, r1: column, with offsets w and x of
 * this step. r2, r3: the vectors' inputs 0 and 2, r6: weights, both loaded in the step before. r8, r9: sums of
 * 256a + b, r10, r11: of b. */
#define PAIR_STEP(w, x)                 \
    "smlad r8, r2, r6, r8\n"            \
    "ldr r7, [r0, #" w "+4]\n"          \
    "sxtb16 r12, r6\n"                  \
    "smlad r9, r3, r6, r9\n"            \
    "smlad r10, r2, r12, r10\n"         \
    "ldr r4, [r1, #" x "+8]\n"          \
    "smlad r11, r3, r12, r11\n"         \
    "ldr r5, [r1, #" x "+12]\n"         \
    "smlad r8, r4, r7, r8\n"            \
    "ldr r6, [r0, #" w "+8]\n"          \
    "sxtb16 r12, r7\n"                  \
    "smlad r9, r5, r7, r9\n"            \
    "smlad r10, r4, r12, r10\n"         \
    "ldr r2, [r1, #" x "+16]\n"         \
    "smlad r11, r5, r12, r11\n"         \
    "ldr r3, [r1, #" x "+20]\n"

/* Four inputs of one vector for outputs a, b, c and d. r0, r12: weights of a and b, and of c and d. r2: the inputs.
 * r8, r9: sums of 256a + b and of 256c + d, r10, r11: of b and of d. `next`: loads the inputs of the next step. */
#define SINGLE_STEP(next)             \
    "ldrd r4, r5, [r0], #8\n"         \
    "ldrd r6, r7, [r12], #8\n"        \
    "sxtb16 r3, r2, ror #8\n"         \
    "sxtb16 r2, r2\n"                 \
    "smlad r8, r2, r4, r8\n"          \
    "sxtb16 r4, r4\n"                 \
    "smlad r9, r2, r6, r9\n"          \
    "sxtb16 r6, r6\n"                 \
    "smlad r8, r3, r5, r8\n"          \
    "sxtb16 r5, r5\n"                 \
    "smlad r10, r2, r4, r10\n"        \
    "smlad r11, r2, r6, r11\n" next   \
    "smlad r9, r3, r7, r9\n"          \
    "sxtb16 r7, r7\n"                 \
    "smlad r10, r3, r5, r10\n"        \
    "smlad r11, r3, r7, r11\n"

/* All inputs, four steps a turn where there are so many. */
#define ALL_INPUTS(four, one)   \
    "ldr lr, [sp, #16]\n"       \
    "cmp r1, lr\n"              \
    "beq 3f\n"                  \
    "2:\n" four                 \
    "cmp r1, lr\n"              \
    "bne 2b\n"                  \
    "3: ldr lr, [sp, #20]\n"    \
    "cmp r1, lr\n"              \
    "beq 5f\n"                  \
    "4:\n" one                  \
    "cmp r1, lr\n"              \
    "bne 4b\n"                  \
    "5:\n"

#define PAIR_FOUR PAIR_STEP("0", "0") PAIR_STEP("8", "16") PAIR_STEP("16", "32") PAIR_STEP("24", "48") \
    "add r1, r1, #64\nadd r0, r0, #32\n"
#define PAIR_ONE PAIR_STEP("0", "0") "add r1, r1, #16\nadd r0, r0, #8\n"

#define SINGLE_FOUR                                                                              \
    "ldr r2, [r1]\n" SINGLE_STEP("ldr r2, [r1, #4]\n") SINGLE_STEP("ldr r2, [r1, #8]\n")        \
        SINGLE_STEP("ldr r2, [r1, #12]\n") SINGLE_STEP("add r1, r1, #16\n")
#define SINGLE_ONE "ldr r2, [r1]\n" SINGLE_STEP("add r1, r1, #4\n")

#define PAIR(name, bits, store, second, both, clamp)                                                      \
    EC_NAKED void name(EC_IN(const ec_dsp_layer *, l), EC_IN(const uint32_t *, column), EC_IN(void *, y0), \
                       EC_IN(void *, y1))                                                                 \
    {                                                                                                     \
        __asm__ volatile(EC_ENTER("1")                                                                    \
                         "bic r4, r6, #15\n"                                                              \
                         "add r4, r1, r4, lsl #2\n"                                                       \
                         "add r5, r1, r6, lsl #2\n"                                                       \
                         "strd r4, r5, [sp, #16]\n"                                                       \
                         "1: ldr r6, [r0]\n"                                                              \
                         "mov r8, #0\n"                                                                   \
                         "ldr r2, [r1]\n"                                                                 \
                         "mov r9, #0\n"                                                                   \
                         "ldr r3, [r1, #4]\n"                                                             \
                         "mov r10, #0\n"                                                                  \
                         "mov r11, #0\n" ALL_INPUTS(PAIR_FOUR, PAIR_ONE)                                  \
                         "sub r8, r8, r10\n"                                                              \
                         "ldr r2, [r0]\n"                                                                 \
                         "sub r9, r9, r11\n"                                                              \
                         "ldr r6, [r0, #16]\n"                                                            \
                         "add r8, r2, r8, asr #7\n"                                                       \
                         "ldr r3, [r0, #4]\n"                                                             \
                         "add r9, r2, r9, asr #7\n"                                                       \
                         "ldr r4, [r0, #8]\n"                                                             \
                         "add r10, r6, r10, lsl #1\n"                                                     \
                         "ldr r7, [r0, #20]\n" EC_HIGH("r1", "r8", "r3", "r4")                            \
                         "add r11, r6, r11, lsl #1\n" EC_HIGH("r2", "r9", "r3", "r4")                     \
                         "ldr r12, [r0, #24]\n"                                                           \
                         "ldr r5, [r0, #12]\n"                                                            \
                         EC_AWAY("r1", "r8") EC_HIGH("r3", "r10", "r7", "r12") EC_AWAY("r2", "r9")         \
                             EC_HIGH("r4", "r11", "r7", "r12")                                            \
                         "ldr lr, [r0, #28]\n" EC_SHIFT("r1", "r5")                                       \
                         "add r0, r0, #32\n" EC_AWAY("r3", "r10") EC_SHIFT("r2", "r5")                    \
                             EC_AWAY("r4", "r11") EC_SHIFT("r3", "lr") EC_SHIFT("r4", "lr")                \
                                 EC_HALVE("r8", "r1", bits)                                               \
                         "ldr r5, [sp, #4]\n" EC_HALVE("r9", "r2", bits)                                  \
                         "ldr r6, [sp, #8]\n" EC_HALVE("r10", "r3", bits)                                 \
                         "ldr r7, [sp, #12]\n" EC_HALVE("r11", "r4", bits)                                \
                         "ldr r1, [sp]\n" clamp                                                           \
                         store " r8, [r5]\n"                                                              \
                         "subs r7, r7, #2\n"                                                              \
                         store " r9, [r6]\n"                                                              \
                         store " r10, [r5, #" second "]\n"                                                \
                         "add r5, r5, #" both "\n"                                                        \
                         store " r11, [r6, #" second "]\n"                                                \
                         "add r6, r6, #" both "\n"                                                        \
                         "add r2, sp, #4\n"                                                               \
                         "stm r2, {r5-r7}\n"                                                              \
                         "bgt 1b\n" EC_LEAVE);                                                            \
    }

#define CLAMP_ALL                                                                               \
    "ldrd r2, r3, [sp, #24]\n" EC_CLAMP_TO("r8", "r2", "r3") EC_CLAMP_TO("r9", "r2", "r3")      \
        EC_CLAMP_TO("r10", "r2", "r3") EC_CLAMP_TO("r11", "r2", "r3")

PAIR(pair_s8, "8", "strb", "1", "2", "")
PAIR(pair_s8_clamped, "8", "strb", "1", "2", CLAMP_ALL)
PAIR(pair_s16, "16", "strh", "2", "4", CLAMP_ALL)

/* The end of a pair of outputs whose sums are in registers a (of 256a + b) and b; `from` holds its finish. */
#define FINISH(from, a, b, bits)                                                                    \
    "sub " a ", " a ", " b "\n"                                                               \
    "ldm " from "!, {r2-r5}\n"                                                                \
    "add " a ", r2, " a ", asr #7\n" EC_HIGH("r6", a, "r3", "r4") EC_AWAY("r6", a)            \
        EC_SHIFT("r6", "r5")                                                                  \
    "ldm " from "!, {r2-r5}\n"                                                                \
    "add " b ", r2, " b ", lsl #1\n" EC_HIGH("r7", b, "r3", "r4") EC_AWAY("r7", b)            \
        EC_SHIFT("r7", "r5") EC_HALVE(a, "r6", bits) EC_HALVE(b, "r7", bits)

#define SINGLE(name, bits, store, size, size2, size3, size4, clamp)                                       \
    EC_NAKED void name(EC_IN(const ec_dsp_layer *, l), EC_IN(const int8_t *, x), EC_IN(void *, y))        \
    {                                                                                                     \
        __asm__ volatile(EC_ENTER("3")                                                                    \
                         "bic r4, r6, #15\n"                                                              \
                         "add r4, r1, r4\n"                                                               \
                         "add r5, r1, r6\n"                                                               \
                         "strd r4, r5, [sp, #16]\n"                                                       \
                         "1: sub r12, r5, r1\n"                                                           \
                         "mov r8, #0\n"                                                                   \
                         "add r12, r0, r12, lsl #1\n"                                                     \
                         "mov r9, #0\n"                                                                   \
                         "add r12, r12, #32\n"                                                            \
                         "mov r10, #0\n"                                                                  \
                         "mov r11, #0\n" ALL_INPUTS(SINGLE_FOUR, SINGLE_ONE)                              \
                         FINISH("r0", "r8", "r10", bits) FINISH("r12", "r9", "r11", bits)                 \
                         "ldr r5, [sp, #4]\n"                                                             \
                         "ldr r7, [sp, #12]\n"                                                            \
                         "ldr r1, [sp]\n" clamp                                                           \
                         "mov r0, r12\n"                                                                  \
                         store " r8, [r5]\n"                                                              \
                         "subs r7, r7, #4\n"                                                              \
                         store " r10, [r5, #" size "]\n"                                                  \
                         "str r7, [sp, #12]\n"                                                            \
                         store " r9, [r5, #" size2 "]\n"                                                  \
                         "add r2, r5, #" size4 "\n"                                                       \
                         store " r11, [r5, #" size3 "]\n"                                                 \
                         "ldr r5, [sp, #20]\n"                                                            \
                         "str r2, [sp, #4]\n"                                                             \
                         "bgt 1b\n" EC_LEAVE);                                                            \
    }

SINGLE(single_s8, "8", "strb", "1", "2", "3", "4", "")
SINGLE(single_s8_clamped, "8", "strb", "1", "2", "3", "4", CLAMP_ALL)
SINGLE(single_s16, "16", "strh", "2", "4", "6", "8", CLAMP_ALL)

#endif

#include "ec_dsp_entries.h"
