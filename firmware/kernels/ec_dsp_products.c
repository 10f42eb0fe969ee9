#include "ec_dsp_products.h"

void ec_dsp_expand(uint32_t *to, const int8_t *x, int32_t n)
{
    for (const int8_t *end = x + n; x < end; x += 4, to += 4) {
        const uint32_t w = ec_word(x);
        to[0] = ec_sxtb16(w);
        to[2] = ec_sxtb16(ec_ror(w, 8));
    }
}

void ec_dsp_expand2(uint32_t *to, const int8_t *x0, const int8_t *x1, int32_t n)
{
    for (const int8_t *end = x0 + n; x0 < end; x0 += 4, x1 += 4, to += 4) {
        const uint32_t a = ec_word(x0);
        const uint32_t b = ec_word(x1);
        to[0] = ec_sxtb16(a);
        to[1] = ec_sxtb16(b);
        to[2] = ec_sxtb16(ec_ror(a, 8));
        to[3] = ec_sxtb16(ec_ror(b, 8));
    }
}

/* -- in C: the last of an odd number of outputs, and all of them where there is no DSP extension -- */

/* Sums of four inputs: [0] of 256a + b, [1] of b. */
static inline void step(uint32_t even, uint32_t odd, const uint32_t *w, int32_t sums[2])
{
    sums[0] = ec_smlad(odd, w[1], ec_smlad(even, w[0], sums[0]));
    sums[1] = ec_smlad(odd, ec_sxtb16(w[1]), ec_smlad(even, ec_sxtb16(w[0]), sums[1]));
}

static inline int32_t finish(const ec_dsp_layer *l, const int32_t *f, int32_t twice)
{
    int32_t x = ec_smmulr(f[0] + twice, f[1]);

    x = (x + (x >> 31)) >> f[2];
    return ec_clamp((x + l->offset) >> 1, l->lo, l->hi);
}

#define EC_IN_C(type, suffix)                                                                            \
    static void outputs_##suffix(const ec_dsp_layer *l, int32_t o, const int32_t sums[2], type *y)       \
    {                                                                                                    \
        const int32_t *f = l->finish + 3 * o;                                                            \
        y[o] = (type)finish(l, f, (int32_t)((uint32_t)sums[0] - (uint32_t)sums[1]) >> 7);                \
        if (o + 1 < l->outputs) {                                                                        \
            y[o + 1] = (type)finish(l, f + 3, (int32_t)((uint32_t)sums[1] << 1));                        \
        }                                                                                                \
    }                                                                                                    \
                                                                                                         \
    static void columns_##suffix(const ec_dsp_layer *l, int32_t o, const uint32_t *column, type *y)      \
    {                                                                                                    \
        const uint32_t *w = l->weights + o / 2 * (l->inputs / 2);                                        \
        for (; o < l->outputs; o += 2) {                                                                 \
            int32_t sums[2] = {0, 0};                                                                    \
            for (int32_t k = 0; k < l->inputs; k += 4, w += 2) {                                         \
                step(column[k], column[k + 2], w, sums);                                                 \
            }                                                                                            \
            outputs_##suffix(l, o, sums, y);                                                             \
        }                                                                                                \
    }                                                                                                    \
                                                                                                         \
    static void vector_##suffix(const ec_dsp_layer *l, int32_t o, const int8_t *x, type *y)              \
    {                                                                                                    \
        const uint32_t *w = l->weights + o / 2 * (l->inputs / 2);                                        \
        for (; o < l->outputs; o += 2) {                                                                 \
            int32_t sums[2] = {0, 0};                                                                    \
            for (int32_t k = 0; k < l->inputs; k += 4, w += 2) {                                         \
                const uint32_t four = ec_word(x + k);                                                    \
                step(ec_sxtb16(four), ec_sxtb16(ec_ror(four, 8)), w, sums);                              \
            }                                                                                            \
            outputs_##suffix(l, o, sums, y);                                                             \
        }                                                                                                \
    }

EC_IN_C(int8_t, s8)
EC_IN_C(int16_t, s16)

#if !(defined(__ARM_FEATURE_DSP) && defined(__thumb2__))

#define EC_ENTRIES(type, suffix)                                                                         \
    void ec_dsp_pair_##suffix(const ec_dsp_layer *l, const uint32_t *column, type *y0, type *y1)         \
    {                                                                                                    \
        columns_##suffix(l, 0, column, y0);                                                              \
        columns_##suffix(l, 0, column + 1, y1);                                                          \
    }                                                                                                    \
                                                                                                         \
    void ec_dsp_single_##suffix(const ec_dsp_layer *l, const int8_t *x, type *y)                         \
    {                                                                                                    \
        vector_##suffix(l, 0, x, y);                                                                     \
    }

EC_ENTRIES(int8_t, s8)
EC_ENTRIES(int16_t, s16)

#else

/* -- in assembly: a compiler spills in loops of so many registers -- */

/* Four inputs of two vectors for outputs a and b. r0: weights. r1: column. r8, r9: sums of 256a + b, and r10,
 * r11: of b, of vectors 0 and 1. */
#define PAIR_STEP              \
    "ldmia r1!, {r2-r5}\n"     \
    "ldrd r6, r7, [r0], #8\n"  \
    "smlad r8, r2, r6, r8\n"   \
    "smlad r9, r3, r6, r9\n"   \
    "sxtb16 r6, r6\n"          \
    "smlad r10, r2, r6, r10\n" \
    "smlad r11, r3, r6, r11\n" \
    "smlad r8, r4, r7, r8\n"   \
    "smlad r9, r5, r7, r9\n"   \
    "sxtb16 r7, r7\n"          \
    "smlad r10, r4, r7, r10\n" \
    "smlad r11, r5, r7, r11\n"

/* Four inputs of one vector for outputs a, b, c and d. r0, r12: weights of a and b, of c and d. r1: vector. r8, r9:
 * sums of 256a + b and 256c + d, r10, r11: of b and d. */
#define SINGLE_STEP            \
    "ldr r2, [r1], #4\n"       \
    "ldrd r4, r5, [r0], #8\n"  \
    "ldrd r6, r7, [r12], #8\n" \
    "sxtb16 r3, r2, ror #8\n"  \
    "sxtb16 r2, r2\n"          \
    "smlad r8, r2, r4, r8\n"   \
    "sxtb16 r4, r4\n"          \
    "smlad r9, r2, r6, r9\n"   \
    "sxtb16 r6, r6\n"          \
    "smlad r10, r2, r4, r10\n" \
    "smlad r11, r2, r6, r11\n" \
    "smlad r8, r3, r5, r8\n"   \
    "sxtb16 r5, r5\n"          \
    "smlad r9, r3, r7, r9\n"   \
    "sxtb16 r7, r7\n"          \
    "smlad r10, r3, r5, r10\n" \
    "smlad r11, r3, r7, r11\n"

/* A step for all inputs, four steps a turn where there are so many. lr: where r1 stands at the end, [sp, #20]:
 * where it does behind the last turn of four. */
#define ALL_INPUTS(step)   \
    "mov r8, #0\n"         \
    "mov r9, #0\n"         \
    "mov r10, #0\n"        \
    "mov r11, #0\n"        \
    "ldrd r2, lr, [sp, #20]\n" \
    "cmp r1, r2\n"         \
    "beq 3f\n"             \
    "2:\n" step step step step \
    "ldr r2, [sp, #20]\n"  \
    "cmp r1, r2\n"         \
    "bne 2b\n"             \
    "3: cmp r1, lr\n"      \
    "beq 5f\n"             \
    "4:\n" step            \
    "cmp r1, lr\n"         \
    "bne 4b\n"             \
    "5:\n"

/* From a doubled sum in register r to the result but for its zero point, before the last halving. */
#define HIGH(r, m) "smmulr " r ", " r ", " m "\n"
#define AWAY(r) "add " r ", " r ", " r ", asr #31\n"
#define SHIFT(r, n) "asr " r ", " r ", " n "\n"
/* r12: offset. */
#define OFFSET(r) "add " r ", " r ", r12\n"
#define HALVE(r, bits) "ssat " r ", #" bits ", " r ", asr #1\n"
/* r2: lo, r3: hi. */
#define CLAMP(r) "cmp " r ", r2\nit lt\nmovlt " r ", r2\ncmp " r ", r3\nit gt\nmovgt " r ", r3\n"
#define NO_CLAMP(r)
#define END_ALL(bits, clamp)                                                                   \
    OFFSET("r8") OFFSET("r9") OFFSET("r10") OFFSET("r11") HALVE("r8", bits) HALVE("r9", bits)  \
        HALVE("r10", bits) HALVE("r11", bits) "ldrd r2, r3, [sp, #32]\n" clamp("r8") clamp("r9") \
            clamp("r10") clamp("r11")

/* Stack: 0 column or vector, 4 y0, 8 y1 (for a single vector: bytes of the weights of two outputs), 12 finish, 16
 * outputs left, 20 and 24 as ALL_INPUTS says, 28 offset, 32 lo, 36 hi; then what was pushed. */
#define ENTER(odd)               \
    "push {r4-r11, lr}\n"        \
    "sub sp, sp, #44\n"          \
    "strd r1, r2, [sp]\n"        \
    "str r3, [sp, #8]\n"         \
    "ldm r0, {r4-r10}\n"         \
    "bic r7, r7, #" odd "\n"     \
    "strd r5, r7, [sp, #12]\n"   \
    "strd r8, r9, [sp, #28]\n" \
    "str r10, [sp, #36]\n"    \
    "mov r0, r4\n"

#define LEAVE           \
    "add sp, sp, #44\n" \
    "pop {r4-r11, pc}\n"

/* Arguments come in r0 to r3. */
#define EC_IN(type, name) __attribute__((unused)) type name

#define EC_PAIR(name, bits, store, size, clamp)                                                         \
    __attribute__((naked, noinline)) static void name(                                                   \
        EC_IN(const ec_dsp_layer *, l), EC_IN(const uint32_t *, column), EC_IN(void *, y0),              \
        EC_IN(void *, y1))                                                                               \
    {                                                                                                   \
        __asm__ volatile(                                                                               \
            ENTER("1")                                                                                       \
            "bic r4, r6, #15\n"                                                                         \
            "add r4, r1, r4, lsl #2\n"                                                                  \
            "add r5, r1, r6, lsl #2\n"                                                                  \
            "strd r4, r5, [sp, #20]\n"                                                                  \
            "1:\n" ALL_INPUTS(PAIR_STEP)                                                                \
            "ldr r1, [sp, #12]\n"                                                                       \
            "ldmia r1!, {r2-r7}\n"                                                                      \
            "str r1, [sp, #12]\n"                                                                       \
            "sub r8, r8, r10\n"                                                                         \
            "sub r9, r9, r11\n"                                                                         \
            "add r8, r2, r8, asr #7\n"                                                                  \
            "add r9, r2, r9, asr #7\n"                                                                  \
            "add r10, r5, r10, lsl #1\n"                                                                \
            "add r11, r5, r11, lsl #1\n" HIGH("r8", "r3") HIGH("r9", "r3") HIGH("r10", "r6")            \
                HIGH("r11", "r6") AWAY("r8") AWAY("r9") AWAY("r10") AWAY("r11")                         \
            "ldr r12, [sp, #28]\n" SHIFT("r8", "r4") SHIFT("r9", "r4") SHIFT("r10", "r7")               \
                SHIFT("r11", "r7") END_ALL(bits, clamp)                                                 \
            "ldrd r2, r3, [sp, #4]\n"                                                                   \
            "ldr r4, [sp, #16]\n"                                                                       \
            "ldr r1, [sp]\n"                                                                            \
            store " r8, [r2], #" size "\n"                                                              \
            store " r9, [r3], #" size "\n"                                                              \
            store " r10, [r2], #" size "\n"                                                             \
            store " r11, [r3], #" size "\n"                                                             \
            "strd r2, r3, [sp, #4]\n"                                                                   \
            "subs r4, r4, #2\n"                                                                         \
            "str r4, [sp, #16]\n"                                                                       \
            "bgt 1b\n" LEAVE);                                                                          \
    }

#define EC_SINGLE(name, bits, store, size, clamp)                                                       \
    __attribute__((naked, noinline)) static void name(                                                   \
        EC_IN(const ec_dsp_layer *, l), EC_IN(const int8_t *, x), EC_IN(void *, y), EC_IN(int32_t, pitch)) \
    {                                                                                                   \
        __asm__ volatile(                                                                               \
            ENTER("3")                                                                                       \
            "bic r4, r6, #15\n"                                                                         \
            "add r4, r1, r4\n"                                                                          \
            "add r5, r1, r6\n"                                                                          \
            "strd r4, r5, [sp, #20]\n"                                                                  \
            "1: ldr r3, [sp, #8]\n"                                                                     \
            "add r12, r0, r3\n" ALL_INPUTS(SINGLE_STEP)                                                 \
            "mov r0, r12\n"                                                                             \
            "ldr r1, [sp, #12]\n"                                                                       \
            "ldmia r1!, {r2-r7}\n"                                                                      \
            "sub r8, r8, r10\n"                                                                         \
            "sub r9, r9, r11\n"                                                                         \
            "add r8, r2, r8, asr #7\n"                                                                  \
            "add r10, r5, r10, lsl #1\n" HIGH("r8", "r3") HIGH("r10", "r6") AWAY("r8") AWAY("r10")      \
                SHIFT("r8", "r4") SHIFT("r10", "r7")                                                    \
            "ldmia r1!, {r2-r7}\n"                                                                      \
            "str r1, [sp, #12]\n"                                                                       \
            "ldr r12, [sp, #28]\n"                                                                      \
            "add r9, r2, r9, asr #7\n"                                                                  \
            "add r11, r5, r11, lsl #1\n" HIGH("r9", "r3") HIGH("r11", "r6") AWAY("r9") AWAY("r11")      \
                SHIFT("r9", "r4") SHIFT("r11", "r7") END_ALL(bits, clamp)                               \
            "ldr r2, [sp, #4]\n"                                                                        \
            "ldr r4, [sp, #16]\n"                                                                       \
            "ldr r1, [sp]\n"                                                                            \
            store " r8, [r2], #" size "\n"                                                              \
            store " r10, [r2], #" size "\n"                                                             \
            store " r9, [r2], #" size "\n"                                                              \
            store " r11, [r2], #" size "\n"                                                             \
            "str r2, [sp, #4]\n"                                                                        \
            "subs r4, r4, #4\n"                                                                         \
            "str r4, [sp, #16]\n"                                                                       \
            "bgt 1b\n" LEAVE);                                                                          \
    }

EC_PAIR(pair_s8, "8", "strb", "1", NO_CLAMP)
EC_PAIR(pair_s8_clamped, "8", "strb", "1", CLAMP)
EC_PAIR(pair_s16, "16", "strh", "2", CLAMP)
EC_SINGLE(single_s8, "8", "strb", "1", NO_CLAMP)
EC_SINGLE(single_s8_clamped, "8", "strb", "1", CLAMP)
EC_SINGLE(single_s16, "16", "strh", "2", CLAMP)

#define EC_ENTRIES(type, suffix, pair, single)                                                           \
    void ec_dsp_pair_##suffix(const ec_dsp_layer *l, const uint32_t *column, type *y0, type *y1)         \
    {                                                                                                    \
        if (l->outputs >= 2) {                                                                           \
            pair(l, column, y0, y1);                                                                     \
        }                                                                                                \
        if ((l->outputs & 1) != 0) {                                                                     \
            columns_##suffix(l, l->outputs - 1, column, y0);                                             \
            columns_##suffix(l, l->outputs - 1, column + 1, y1);                                         \
        }                                                                                                \
    }                                                                                                    \
                                                                                                         \
    void ec_dsp_single_##suffix(const ec_dsp_layer *l, const int8_t *x, type *y)                         \
    {                                                                                                    \
        if (l->outputs >= 4) {                                                                           \
            single(l, x, y, l->inputs * 2);                                                              \
        }                                                                                                \
        if ((l->outputs & 3) != 0) {                                                                     \
            vector_##suffix(l, l->outputs & ~3, x, y);                                                   \
        }                                                                                                \
    }

static void pair_of_s8(const ec_dsp_layer *l, const uint32_t *column, int8_t *y0, int8_t *y1)
{
    if (l->lo > INT8_MIN || l->hi < INT8_MAX) {
        pair_s8_clamped(l, column, y0, y1);
    } else {
        pair_s8(l, column, y0, y1);
    }
}

static void single_of_s8(const ec_dsp_layer *l, const int8_t *x, int8_t *y, int32_t pitch)
{
    if (l->lo > INT8_MIN || l->hi < INT8_MAX) {
        single_s8_clamped(l, x, y, pitch);
    } else {
        single_s8(l, x, y, pitch);
    }
}

EC_ENTRIES(int8_t, s8, pair_of_s8, single_of_s8)
EC_ENTRIES(int16_t, s16, pair_s16, single_s16)

#endif
