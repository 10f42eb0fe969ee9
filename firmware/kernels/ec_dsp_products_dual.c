/* ec_dsp_layer.h for the Cortex-M7, which issues two instructions a cycle: a multiplication with a load or with an
 * SXTB16 in front of it. The order of instructions is that of their pairs. Groups of two outputs.
 *
 * Sixteen steps of four inputs stand behind each other. Where there are fewer left, they are entered so far from the
 * end; so few branches are taken, and those always in the same way. */
#include "ec_dsp_assembly.h"

#define EC_DSP_GROUP 2

#ifdef EC_DSP_ASSEMBLY
#include "ec_dsp_layer.h"

/* Four inputs of two vectors for outputs a and b, in 8 cycles and 64 bytes of code. r0: weights for inputs 1 and 3,
 * r1: the rest of the column. r2, r3: the vectors' inputs 0 and 2, r6: weights for these, loaded in the step before.
 * r8, r9: sums of 256a + b, r10, r11: of b. */
#define PAIR_STEP              \
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
#define SINGLE_STEP             \
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

#define SIXTEEN(step) step step step step step step step step step step step step step step step step

/* On entry: table, vectors and results on the stack; r4: steps of the first turn, less one. */
#define BEGIN(odd)     \
    EC_ENTER(odd)      \
    "sub r4, r6, #4\n" \
    "and r4, r4, #63\n" \
    "lsr r4, r4, #2\n"

/* Goes to so many steps (and one) from the end of sixteen of `bytes` each; `r` holds their number. */
#define ENTRY(bytes, n) ".hword (32 + (15 - " n ") * " bytes ") / 2\n"
#define ENTER_SIXTEEN(r, bytes)                                                                       \
    "tbh [pc, " r ", lsl #1]\n" ENTRY(bytes, "0") ENTRY(bytes, "1") ENTRY(bytes, "2") ENTRY(bytes, "3") \
        ENTRY(bytes, "4") ENTRY(bytes, "5") ENTRY(bytes, "6") ENTRY(bytes, "7") ENTRY(bytes, "8")     \
            ENTRY(bytes, "9") ENTRY(bytes, "10") ENTRY(bytes, "11") ENTRY(bytes, "12")                \
                ENTRY(bytes, "13") ENTRY(bytes, "14") ENTRY(bytes, "15")

#define CLAMP_ALL                                                                               \
    "ldrd r2, r3, [sp, #24]\n" EC_CLAMP_TO("r8", "r2", "r3") EC_CLAMP_TO("r9", "r2", "r3")      \
        EC_CLAMP_TO("r10", "r2", "r3") EC_CLAMP_TO("r11", "r2", "r3")

/* Stack: 16 steps of the first turn, 20 where r1 stands at the end. */
#define PAIR(name, bits, store, second, both, clamp)                                                      \
    EC_NAKED void name(EC_IN(const ec_dsp_layer *, l), EC_IN(const uint32_t *, column), EC_IN(void *, y0), \
                       EC_IN(void *, y1))                                                                 \
    {                                                                                                     \
        __asm__ volatile(BEGIN("1")                                                                       \
                         "add r5, r1, r6, lsl #2\n"                                                       \
                         "add r5, r5, #8\n"                                                               \
                         "strd r4, r5, [sp, #16]\n"                                                       \
                         "1: ldr r6, [r0], #4\n"                                                          \
                         "mov r8, #0\n"                                                                   \
                         "ldr r2, [r1], #4\n"                                                             \
                         "mov r9, #0\n"                                                                   \
                         "ldr r3, [r1], #4\n"                                                             \
                         "mov r10, #0\n"                                                                  \
                         "ldrd r12, lr, [sp, #16]\n"                                                      \
                         "mov r11, #0\n" ENTER_SIXTEEN("r12", "64")                                       \
                         "2:\n" SIXTEEN(PAIR_STEP)                                                        \
                         "3: cmp r1, lr\n"                                                                \
                         "bne.w 2b\n"                                                                     \
                         "sub r8, r8, r10\n"                                                              \
                         "ldr lr, [r0, #4]\n" EC_BIAS("r2", "r6")                                         \
                         "ldr r12, [sp, #32]\n"                                                           \
                         "sub r9, r9, r11\n"                                                              \
                         "ldr r3, [r0]\n"                                                                 \
                         "add r8, r2, r8, asr #7\n"                                                       \
                         "ldr r7, [r0, #8]\n"                                                             \
                         "add r9, r2, r9, asr #7\n" EC_BIAS("r5", "lr") EC_OFFSET("r4", "r12", "r6")      \
                         "add r10, r5, r10, lsl #1\n" EC_HIGH("r1", "r8", "r3", "r4")                     \
                         "add r11, r5, r11, lsl #1\n" EC_HIGH("r2", "r9", "r3", "r4")                     \
                             EC_OFFSET("r12", "r12", "lr")                                                \
                         "add r0, r0, #12\n" EC_HIGH("r3", "r10", "r7", "r12") EC_AWAY("r1", "r8")        \
                             EC_HIGH("r4", "r11", "r7", "r12") EC_AWAY("r2", "r9") EC_SHIFT("r1", "r6")   \
                                 EC_AWAY("r3", "r10") EC_SHIFT("r2", "r6") EC_AWAY("r4", "r11")           \
                                     EC_SHIFT("r3", "lr") EC_SHIFT("r4", "lr")                            \
                                 EC_HALVE("r8", "r1", bits)                                               \
                         "ldr r5, [sp, #4]\n" EC_HALVE("r9", "r2", bits)                                  \
                         "ldr r6, [sp, #8]\n" EC_HALVE("r10", "r3", bits)                                 \
                         "ldr r7, [sp, #12]\n" EC_HALVE("r11", "r4", bits)                                \
                         "ldr r1, [sp]\n" clamp                                                           \
                         "subs r7, r7, #2\n"                                                              \
                         store " r8, [r5]\n"                                                              \
                         "str r7, [sp, #12]\n"                                                            \
                         store " r9, [r6]\n"                                                              \
                         store " r10, [r5, #" second "]\n"                                                \
                         "add r5, r5, #" both "\n"                                                        \
                         store " r11, [r6, #" second "]\n"                                                \
                         "add r6, r6, #" both "\n"                                                        \
                         "str r5, [sp, #4]\n"                                                             \
                         "str r6, [sp, #8]\n"                                                             \
                         "bgt.w 1b\n" EC_LEAVE);                                                          \
    }

PAIR(pair_s8, "8", "strb", "1", "2", "")
PAIR(pair_s8_clamped, "8", "strb", "1", "2", CLAMP_ALL)
PAIR(pair_s16, "16", "strh", "2", "4", CLAMP_ALL)

/* Stack: 8 bytes of a table's weights for a group, 16 steps of the first turn, 20 where r1 stands at the end. */
#define SINGLE(name, bits, store, size, size2, size3, size4, clamp)                                       \
    EC_NAKED void name(EC_IN(const ec_dsp_layer *, l), EC_IN(const int8_t *, x), EC_IN(void *, y))        \
    {                                                                                                     \
        __asm__ volatile(BEGIN("3")                                                                       \
                         "add r5, r1, r6\n"                                                               \
                         "add r5, r5, #4\n"                                                               \
                         "strd r4, r5, [sp, #16]\n"                                                       \
                         "lsl r5, r6, #1\n"                                                               \
                         "add r5, r5, #16\n"                                                              \
                         "str r5, [sp, #8]\n"                                                             \
                         "1: ldr lr, [r1], #4\n"                                                          \
                         "add r12, r0, r5\n"                                                              \
                         "ldrd r4, r5, [r0], #8\n"                                                        \
                         "mov r8, #0\n"                                                                   \
                         "mov r9, #0\n"                                                                   \
                         "ldrd r6, r7, [r12], #8\n"                                                       \
                         "sxtb16 r2, lr\n"                                                                \
                         "mov r10, #0\n"                                                                  \
                         "ldr r3, [sp, #16]\n"                                                            \
                         "mov r11, #0\n" ENTER_SIXTEEN("r3", "68")                                        \
                         "2:\n" SIXTEEN(SINGLE_STEP)                                                      \
                         "3: ldr r3, [sp, #20]\n"                                                         \
                         "cmp r1, r3\n"                                                                   \
                         "bne.w 2b\n"                                                                     \
                         "ldr lr, [sp, #32]\n" EC_BIAS("r2", "r4")                                        \
                         "sub r8, r8, r10\n" EC_BIAS("r3", "r6")                                          \
                         "sub r9, r9, r11\n"                                                              \
                         "add r8, r2, r8, asr #7\n" EC_OFFSET("r1", "lr", "r4")                           \
                         "add r9, r3, r9, asr #7\n" EC_HIGH("r2", "r8", "r5", "r1")                       \
                         "ldr r5, [r0, #4]\n" EC_OFFSET("r3", "lr", "r6")                                 \
                         "ldr r1, [r0]\n" EC_HIGH("r3", "r9", "r7", "r3")                                 \
                         "ldr r7, [r12, #4]\n" EC_AWAY("r2", "r8") EC_SHIFT("r2", "r4")                   \
                         "ldr r4, [r12]\n" EC_AWAY("r3", "r9") EC_SHIFT("r3", "r6") EC_BIAS("r6", "r1")   \
                         "add r10, r6, r10, lsl #1\n" EC_BIAS("r6", "r4")                                 \
                         "add r11, r6, r11, lsl #1\n" EC_OFFSET("r6", "lr", "r1")                         \
                             EC_HIGH("r6", "r10", "r5", "r6") EC_OFFSET("lr", "lr", "r4")                 \
                             EC_HIGH("lr", "r11", "r7", "lr")                                             \
                         "add r0, r12, #8\n" EC_AWAY("r6", "r10") EC_HALVE("r8", "r2", bits)              \
                             EC_SHIFT("r6", "r1") EC_AWAY("lr", "r11") EC_HALVE("r9", "r3", bits)         \
                             EC_SHIFT("lr", "r4") EC_HALVE("r10", "r6", bits)                             \
                         "ldr r6, [sp, #4]\n" EC_HALVE("r11", "lr", bits)                                 \
                         "ldr r7, [sp, #12]\n"                                                            \
                         "ldr r1, [sp]\n" clamp                                                           \
                         "subs r7, r7, #4\n"                                                              \
                         store " r8, [r6]\n"                                                              \
                         "str r7, [sp, #12]\n"                                                            \
                         store " r10, [r6, #" size "]\n"                                                  \
                         "ldr r5, [sp, #8]\n"                                                             \
                         store " r9, [r6, #" size2 "]\n"                                                  \
                         "add r2, r6, #" size4 "\n"                                                       \
                         store " r11, [r6, #" size3 "]\n"                                                 \
                         "str r2, [sp, #4]\n"                                                             \
                         "bgt.w 1b\n" EC_LEAVE);                                                          \
    }

SINGLE(single_s8, "8", "strb", "1", "2", "3", "4", "")
SINGLE(single_s8_clamped, "8", "strb", "1", "2", "3", "4", CLAMP_ALL)
SINGLE(single_s16, "16", "strh", "2", "4", "6", "8", CLAMP_ALL)

#endif

#include "ec_dsp_entries.inc"
