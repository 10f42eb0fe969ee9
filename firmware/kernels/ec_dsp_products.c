/* ec_dsp_layer.h for cores that issue one instruction a cycle, such as the Cortex-M4: as few instructions as there
 * can be, and loads side by side, where they take a cycle each. Groups of four outputs. */
#include "ec_dsp_assembly.h"

#define EC_DSP_GROUP 4

#ifdef EC_DSP_ASSEMBLY
#include "ec_dsp_layer.h"

/* Two inputs of two vectors for outputs a, b, c and d. r0: weights, r1: column, with offset o of this step. r6, r7:
 * sums of 256a + b of vectors 0 and 1, r8, r9: of 256c + d, r10, r11: of b, r12, lr: of d. */
#define PAIR_STEP(o)           \
    "ldr r2, [r1, #" o "]\n"   \
    "ldr r3, [r1, #" o "+4]\n" \
    "ldr r4, [r0, #" o "]\n"   \
    "ldr r5, [r0, #" o "+4]\n" \
    "smlad r6, r2, r4, r6\n"   \
    "smlad r7, r3, r4, r7\n"   \
    "sxtb16 r4, r4\n"          \
    "smlad r8, r2, r5, r8\n"   \
    "smlad r9, r3, r5, r9\n"   \
    "sxtb16 r5, r5\n"          \
    "smlad r10, r2, r4, r10\n" \
    "smlad r11, r3, r4, r11\n" \
    "smlad r12, r2, r5, r12\n" \
    "smlad lr, r3, r5, lr\n"

/* Four inputs of one vector for the same outputs, with offsets x and w. r8, r9: sums of 256a + b and of 256c + d, r10,
 * r11: of b and d. */
#define SINGLE_STEP(x, w)      \
    "ldr r2, [r1, #" x "]\n"   \
    "ldr r4, [r0, #" w "]\n"   \
    "ldr r5, [r0, #" w "+4]\n" \
    "ldr r6, [r0, #" w "+8]\n" \
    "ldr r7, [r0, #" w "+12]\n" \
    "sxtb16 r3, r2, ror #8\n"  \
    "sxtb16 r2, r2\n"          \
    "smlad r8, r2, r4, r8\n"   \
    "smlad r9, r2, r5, r9\n"   \
    "sxtb16 r4, r4\n"          \
    "sxtb16 r5, r5\n"          \
    "smlad r10, r2, r4, r10\n" \
    "smlad r11, r2, r5, r11\n" \
    "smlad r8, r3, r6, r8\n"   \
    "smlad r9, r3, r7, r9\n"   \
    "sxtb16 r6, r6\n"          \
    "sxtb16 r7, r7\n"          \
    "smlad r10, r3, r6, r10\n" \
    "smlad r11, r3, r7, r11\n"

/* All inputs, many steps a turn where there are so many. */
#define ALL_INPUTS(many, one) \
    "ldr r2, [sp, #16]\n"     \
    "cmp r1, r2\n"            \
    "beq 3f\n"                \
    "2:\n" many               \
    "ldr r2, [sp, #16]\n"     \
    "cmp r1, r2\n"            \
    "bne.w 2b\n"              \
    "3: ldr r3, [sp, #20]\n"  \
    "cmp r1, r3\n"            \
    "beq 5f\n"                \
    "4:\n" one                \
    "ldr r3, [sp, #20]\n"     \
    "cmp r1, r3\n"            \
    "bne 4b\n"                \
    "5:\n"

#define PAIR_FOUR                                                                                  \
    PAIR_STEP("0") PAIR_STEP("8") PAIR_STEP("16") PAIR_STEP("24") PAIR_STEP("32") PAIR_STEP("40")  \
        PAIR_STEP("48") PAIR_STEP("56") "add r1, r1, #64\nadd r0, r0, #64\n"
#define PAIR_ONE PAIR_STEP("0") PAIR_STEP("8") "add r1, r1, #16\nadd r0, r0, #16\n"
#define SINGLE_EIGHT                                                                               \
    SINGLE_STEP("0", "0") SINGLE_STEP("4", "16") SINGLE_STEP("8", "32") SINGLE_STEP("12", "48")    \
        SINGLE_STEP("16", "64") SINGLE_STEP("20", "80") SINGLE_STEP("24", "96")                    \
            SINGLE_STEP("28", "112") "add r1, r1, #32\nadd r0, r0, #128\n"
#define SINGLE_ONE SINGLE_STEP("0", "0") "add r1, r1, #4\nadd r0, r0, #16\n"

/* Two sums of one output, or one, in registers p and q; `twice` doubles them and adds the bias in r2. */
#define UPPER(p) "add " p ", r2, " p ", asr #7\n"
#define LOWER(p) "add " p ", r2, " p ", lsl #1\n"
#define FINISH(twice, p, q, bits)                                                                 \
    "ldmia r0!, {r3, r4}\n" EC_BIAS("r2", "r3") twice(p) twice(q) EC_OFFSET("r2", "r5", "r3")    \
        EC_HIGH("r1", p, "r4", "r2") EC_HIGH("r2", q, "r4", "r2") EC_AWAY("r1", p) EC_AWAY("r2", q) \
            EC_SHIFT("r1", "r3") EC_SHIFT("r2", "r3") EC_HALVE(p, "r1", bits) EC_HALVE(q, "r2", bits)
#define FINISH_ONE(twice, p, bits)                                                                \
    "ldmia r0!, {r3, r4}\n" EC_BIAS("r2", "r3") twice(p) EC_OFFSET("r2", "r5", "r3")             \
        EC_HIGH("r1", p, "r4", "r2") EC_AWAY("r1", p) EC_SHIFT("r1", "r3") EC_HALVE(p, "r1", bits)

#define CLAMP(r) EC_CLAMP_TO(r, "r2", "r3")
#define NO_CLAMP(r)

/* Stack: 16 and 20 where r1 stands behind the last turn of many steps, and at the end. */
#define PAIR(name, bits, store, size, size2, size3, size4, clamp)                                         \
    EC_NAKED void name(EC_IN(const ec_dsp_layer *, l), EC_IN(const uint32_t *, column), EC_IN(void *, y0), \
                       EC_IN(void *, y1))                                                                 \
    {                                                                                                     \
        __asm__ volatile(EC_ENTER("3")                                                                    \
                         "bic r4, r6, #15\n"                                                              \
                         "add r4, r1, r4, lsl #2\n"                                                       \
                         "add r5, r1, r6, lsl #2\n"                                                       \
                         "strd r4, r5, [sp, #16]\n"                                                       \
                         "1: mov r6, #0\nmov r7, #0\nmov r8, #0\nmov r9, #0\n"                            \
                         "mov r10, #0\nmov r11, #0\nmov r12, #0\nmov lr, #0\n"                            \
                         ALL_INPUTS(PAIR_FOUR, PAIR_ONE)                                                  \
                         "sub r6, r6, r10\nsub r7, r7, r11\nsub r8, r8, r12\nsub r9, r9, lr\n"            \
                         "ldr r5, [sp, #32]\n"                                                            \
                         FINISH(UPPER, "r6", "r7", bits) FINISH(LOWER, "r10", "r11", bits)                \
                             FINISH(UPPER, "r8", "r9", bits) FINISH(LOWER, "r12", "lr", bits)             \
                         "ldrd r2, r3, [sp, #24]\n" clamp("r6") clamp("r7") clamp("r8") clamp("r9")       \
                             clamp("r10") clamp("r11") clamp("r12") clamp("lr")                           \
                         "ldm sp, {r1-r4}\n"                                                              \
                         store " r6, [r2]\n"                                                              \
                         store " r10, [r2, #" size "]\n"                                                  \
                         store " r8, [r2, #" size2 "]\n"                                                  \
                         store " r12, [r2, #" size3 "]\n"                                                 \
                         store " r7, [r3]\n"                                                              \
                         store " r11, [r3, #" size "]\n"                                                  \
                         store " r9, [r3, #" size2 "]\n"                                                  \
                         store " lr, [r3, #" size3 "]\n"                                                  \
                         "add r2, r2, #" size4 "\n"                                                       \
                         "add r3, r3, #" size4 "\n"                                                       \
                         "subs r4, r4, #4\n"                                                              \
                         "add r5, sp, #4\n"                                                               \
                         "stm r5, {r2-r4}\n"                                                              \
                         "bgt 1b\n" EC_LEAVE);                                                            \
    }

#define SINGLE(name, bits, store, size, size2, size3, size4, clamp)                                       \
    EC_NAKED void name(EC_IN(const ec_dsp_layer *, l), EC_IN(const int8_t *, x), EC_IN(void *, y))        \
    {                                                                                                     \
        __asm__ volatile(EC_ENTER("3")                                                                    \
                         "bic r4, r6, #31\n"                                                              \
                         "add r4, r1, r4\n"                                                               \
                         "add r5, r1, r6\n"                                                               \
                         "strd r4, r5, [sp, #16]\n"                                                       \
                         "1: mov r8, #0\nmov r9, #0\nmov r10, #0\nmov r11, #0\n"                          \
                         ALL_INPUTS(SINGLE_EIGHT, SINGLE_ONE)                                             \
                         "sub r8, r8, r10\nsub r9, r9, r11\n"                                             \
                         "ldr r5, [sp, #32]\n"                                                            \
                         FINISH_ONE(UPPER, "r8", bits) FINISH_ONE(LOWER, "r10", bits)                     \
                             FINISH_ONE(UPPER, "r9", bits) FINISH_ONE(LOWER, "r11", bits)                 \
                         "ldrd r2, r3, [sp, #24]\n" clamp("r8") clamp("r9") clamp("r10") clamp("r11")     \
                         "ldm sp, {r1-r4}\n"                                                              \
                         store " r8, [r2]\n"                                                              \
                         store " r10, [r2, #" size "]\n"                                                  \
                         store " r9, [r2, #" size2 "]\n"                                                  \
                         store " r11, [r2, #" size3 "]\n"                                                 \
                         "add r2, r2, #" size4 "\n"                                                       \
                         "subs r4, r4, #4\n"                                                              \
                         "str r2, [sp, #4]\n"                                                             \
                         "str r4, [sp, #12]\n"                                                            \
                         "bgt 1b\n" EC_LEAVE);                                                            \
    }

PAIR(pair_s8, "8", "strb", "1", "2", "3", "4", NO_CLAMP)
PAIR(pair_s8_clamped, "8", "strb", "1", "2", "3", "4", CLAMP)
PAIR(pair_s16, "16", "strh", "2", "4", "6", "8", CLAMP)
SINGLE(single_s8, "8", "strb", "1", "2", "3", "4", NO_CLAMP)
SINGLE(single_s8_clamped, "8", "strb", "1", "2", "3", "4", CLAMP)
SINGLE(single_s16, "16", "strh", "2", "4", "6", "8", CLAMP)

#endif

#include "ec_dsp_entries.inc"
