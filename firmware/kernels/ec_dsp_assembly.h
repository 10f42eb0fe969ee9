/* Pieces of the assembly of ec_dsp_products.c and ec_dsp_products_dual.c. Functions are naked: arguments come in r0
 * to r3. Compilers spill in loops of so many registers. */
#ifndef EC_DSP_ASSEMBLY_H
#define EC_DSP_ASSEMBLY_H

#if defined(__ARM_FEATURE_DSP) && defined(__thumb2__)
#define EC_DSP_ASSEMBLY 1
#endif

#define EC_NAKED __attribute__((naked, noinline)) static
#define EC_IN(type, name) __attribute__((unused)) type name

/* For ec_dsp_apart.h, the table of a group's weights makes way for what else there is of its outputs, and comes back. Stack:
 * 36 the latter, 40 the former. */
#ifdef EC_DSP_APART
#define EC_DSP_LAYER ec_dsp_apart_layer
#define EC_FRAME "44"
#define EC_ENDS "ldr r11, [r0, #24]\nstr r11, [sp, #36]\n"
#define EC_TO_ENDS "str r0, [sp, #40]\nldr r0, [sp, #36]\n"
#define EC_TO_WEIGHTS "str r0, [sp, #36]\nldr r0, [sp, #40]\n"
#else
#define EC_DSP_LAYER ec_dsp_layer
#define EC_FRAME "36"
#define EC_ENDS
#define EC_TO_ENDS
#define EC_TO_WEIGHTS
#endif

/* Stack: 0 column or vector, 4 y0, 8 y1, 12 outputs left, 16 and 20 as each function says, 24 lo, 28 hi, 32 offset; then
 * what was pushed. Leaves the table in r0, inputs in r6. */
#define EC_ENTER(odd)            \
    "push {r4-r11, lr}\n"        \
    "sub sp, sp, #" EC_FRAME "\n" EC_ENDS     \
    "strd r1, r2, [sp]\n"        \
    "str r3, [sp, #8]\n"         \
    "ldm r0, {r5-r10}\n"         \
    "bic r7, r7, #" odd "\n"     \
    "str r7, [sp, #12]\n"        \
    "strd r8, r9, [sp, #24]\n"   \
    "str r10, [sp, #32]\n"       \
    "mov r0, r5\n"

#define EC_LEAVE        \
    "add sp, sp, #" EC_FRAME "\n"\
    "pop {r4-r11, pc}\n"

/* Twice the bias of a table's word. */
#define EC_BIAS(t, word) "asrs " t ", " word ", #7\n"

/* ec_finish in steps, from a doubled sum in register p to the result in t; n: a table's word; the last halving
 * saturates. */
#define EC_OFFSET(t, offset, n) "lsl " t ", " offset ", " n "\n"
#define EC_HIGH(t, p, m, offset) "smmlar " t ", " p ", " m ", " offset "\n"
#define EC_AWAY(t, p) "add " t ", " t ", " p ", asr #31\n"
#define EC_SHIFT(t, n) "asrs " t ", " t ", " n "\n"
#define EC_HALVE(to, t, bits) "ssat " to ", #" bits ", " t ", asr #1\n"
#define EC_CLAMP_TO(r, lo, hi) \
    "cmp " r ", " lo "\nit lt\nmovlt " r ", " lo "\ncmp " r ", " hi "\nit gt\nmovgt " r ", " hi "\n"

#endif
