/* ec_dsp_pixel.h for the Cortex-M7: loads stand where they issue together with products, a pair of taps ahead. */
#include "ec_dsp_assembly.h"
#include "ec_dsp_pixel_in_c.h"

#ifdef EC_DSP_ASSEMBLY

/* Two taps of four channels, whose values are in a and b; the next two come into c and d, as `addresses` and
 * `values` say. r0: addresses of taps. r1: weights. r8 to r11: sums. */
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

#define THEN_TWO(a, b, c, d) \
    TWO_TAPS(a, b, "ldrd " c ", " d ", [r0], #8\n", "ldr " c ", [" c ", r12]\n", "ldr " d ", [" d ", r12]\n")
#define THEN_ONE(a, b, c) TWO_TAPS(a, b, "ldr " c ", [r0]\n", "ldr " c ", [" c ", r12]\n", "")
#define FIRST_TWO "ldrd r2, r3, [r0], #8\nldr r2, [r2, r12]\nldr r3, [r3, r12]\n"

/* One tap, whose values are in r2. */
#define ONE_TAP                 \
    "ldrd r4, r5, [r1], #8\n"   \
    "sxtb16 r3, r2\n"           \
    "sxtb16 r2, r2, ror #8\n"   \
    "smlabb r8, r3, r4, r8\n"   \
    "smlatt r10, r3, r4, r10\n" \
    "smlabb r9, r2, r5, r9\n"   \
    "smlatt r11, r2, r5, r11\n"

/* Stack: 0 taps, 4 y, 8 last, 12 offset, 16 pairs, 20 odd, 24 lo, 28 hi, 32 clamped. r12: channel. */
__attribute__((naked, noinline)) void ec_dsp_taps_s8(EC_IN(const ec_dsp_taps *, p), EC_IN(int8_t *, y))
{
    __asm__ volatile("push {r4-r11, lr}\n"
                     "sub sp, sp, #36\n"
                     "ldm r0, {r2-r10}\n"
                     "strd r2, r1, [sp]\n"
                     "strd r4, r5, [sp, #8]\n"
                     "strd r6, r7, [sp, #16]\n"
                     "strd r8, r9, [sp, #24]\n"
                     "str r10, [sp, #32]\n"
                     "mov r1, r3\n"
                     "mov r12, #0\n"
                     "1: ldr r0, [sp]\n"
                     "mov r8, #0\n"
                     "ldrd r2, r3, [sp, #16]\n"
                     "mov r9, #0\n"
                     "mov r10, #0\n"
                     "mov r11, #0\n"
                     "add r3, r3, r2, lsl #1\n"
                     "cmp r3, #9\n"
                     "bne 2f\n" FIRST_TWO THEN_TWO("r2", "r3", "r6", "r7") THEN_TWO("r6", "r7", "r2", "r3")
                         THEN_TWO("r2", "r3", "r6", "r7") THEN_ONE("r6", "r7", "r2") ONE_TAP
                     "b 5f\n"
                     "2: cbz r2, 4f\n"
                     "3: sub r2, r2, #1\n"
                     "str r2, [sp, #-4]!\n" FIRST_TWO TWO_TAPS("r2", "r3", "", "", "")
                     "ldr r2, [sp], #4\n"
                     "cmp r2, #0\n"
                     "bne 3b\n"
                     "4: ldr r3, [sp, #20]\n"
                     "cbz r3, 5f\n"
                     "ldr r2, [r0]\n"
                     "ldr r2, [r2, r12]\n" ONE_TAP
                     "5: ldr lr, [sp, #12]\n"
                     "ldmia r1!, {r2-r5}\n"
                     "add r8, r2, r8, lsl #1\n"
                     "add r9, r3, r9, lsl #1\n"
                     "add r10, r4, r10, lsl #1\n"
                     "add r11, r5, r11, lsl #1\n"
                     "ldmia r1!, {r2-r5}\n"
                     "smmulr r2, r8, r2\n"
                     "smmulr r3, r9, r3\n"
                     "smmulr r4, r10, r4\n"
                     "smmulr r5, r11, r5\n" EC_AWAY("r2", "r8") EC_AWAY("r3", "r9") EC_AWAY("r4", "r10")
                         EC_AWAY("r5", "r11")
                     "ldmia r1!, {r8-r11}\n" EC_SHIFT("r2", "r8") EC_SHIFT("r3", "r9") EC_SHIFT("r4", "r10")
                         EC_SHIFT("r5", "r11")
                     "add r2, r2, lr\n"
                     "add r3, r3, lr\n"
                     "add r4, r4, lr\n"
                     "add r5, r5, lr\n" EC_HALVE("r8", "r2", "8") EC_HALVE("r9", "r3", "8")
                         EC_HALVE("r10", "r4", "8") EC_HALVE("r11", "r5", "8")
                     "ldr r4, [sp, #32]\n"
                     "cbz r4, 6f\n"
                     "ldrd r2, r3, [sp, #24]\n" EC_CLAMP_TO("r8", "r2", "r3") EC_CLAMP_TO("r9", "r2", "r3")
                         EC_CLAMP_TO("r10", "r2", "r3") EC_CLAMP_TO("r11", "r2", "r3")
                     "6: ldrd r0, r2, [sp, #4]\n"
                     "add r0, r0, r12\n"
                     "strb r8, [r0]\n"
                     "strb r9, [r0, #1]\n"
                     "strb r10, [r0, #2]\n"
                     "strb r11, [r0, #3]\n"
                     "add r12, r12, #4\n"
                     "cmp r12, r2\n"
                     "ble 1b\n"
                     "sub r3, r12, r2\n"
                     "cmp r3, #4\n"
                     "mov r12, r2\n"
                     "bne 1b\n"
                     "add sp, sp, #36\n"
                     "pop {r4-r11, pc}\n");
}

#else

void ec_dsp_taps_s8(const ec_dsp_taps *p, int8_t *y)
{
    ec_dsp_taps_in_c(p, y);
}

#endif
