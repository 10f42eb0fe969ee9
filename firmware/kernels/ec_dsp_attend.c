#include "ec_dsp_attend.h"

#include "ec_wide.h"

/* Features behind the last four. */
static uint32_t rest_of(const int8_t *x, int32_t n)
{
    uint32_t word = 0;
    for (int32_t i = 0; i < n; i++) {
        word |= (uint32_t)(uint8_t)x[i] << (8 * i);
    }
    return word;
}

/* Bytes 0 and 2 less the zero point, as halfwords; less: its negative, twice. */
static inline uint32_t widened(uint32_t x, uint32_t less)
{
#if defined(__ARM_FEATURE_DSP) && defined(__thumb2__)
    uint32_t d;
    __asm__("sxtab16 %0, %1, %2" : "=r"(d) : "r"(less), "r"(x));
    return d;
#else
    const uint32_t a = ec_sxtb16(x);
    return ((a + less) & 0xFFFFu) | ((a & 0xFFFF0000u) + (less & 0xFFFF0000u));
#endif
}

static inline void widen_four(uint32_t q0, uint32_t q1, uint32_t less, uint32_t *query)
{
    query[0] = widened(q0, less);
    query[1] = widened(q1, less);
    query[2] = widened(ec_ror(q0, 8), less);
    query[3] = widened(ec_ror(q1, 8), less);
}

void ec_attend_widen(const int8_t *q0, const int8_t *q1, int32_t depth, int32_t zero, uint32_t *query)
{
    const uint32_t less = ((0u - (uint32_t)zero) & 0xFFFFu) * 0x00010001u;
    int32_t i = 0;

    for (; i + 4 <= depth; i += 4) {
        widen_four(ec_word(q0 + i), ec_word(q1 + i), less, query + i);
    }
    if (i < depth) {
        widen_four(rest_of(q0 + i, depth - i), rest_of(q1 + i, depth - i), less, query + i);
    }
}

/* The pairs of two keys' values in four columns: (0, 1, 2, 3). */
static inline void pair_up(uint32_t v0, uint32_t v1, uint32_t column[4])
{
    const uint32_t low = (v0 & 0xFFFFu) | v1 << 16;
    const uint32_t high = v0 >> 16 | (v1 & 0xFFFF0000u);

    column[0] = ec_sxtb16(low);
    column[1] = ec_sxtb16(ec_ror(low, 8));
    column[2] = ec_sxtb16(high);
    column[3] = ec_sxtb16(ec_ror(high, 8));
}

static inline void mix_pair(uint32_t w, const int8_t *v, int32_t step, int32_t total[4])
{
    uint32_t column[4];

    pair_up(ec_word(v), ec_word(v + step), column);
    for (int32_t c = 0; c < 4; c++) {
        total[c] = ec_smlad(column[c], w, total[c]);
    }
}

void ec_attend_mix_one(const uint32_t *weight, const int8_t *v, int32_t step, int32_t keys, int32_t total[4])
{
    const uint32_t *turns = weight + ((keys >> 1) & ~1);
    int32_t t[4] = {total[0], total[1], total[2], total[3]};

    EC_NO_UNROLL
    while (weight < turns) {
        mix_pair(weight[0], v, step, t);
        v += 2 * step;
        EC_STEPPED(v);
        mix_pair(weight[1], v, step, t);
        v += 2 * step;
        weight += 2;
    }
    if (keys & 2) {
        mix_pair(*weight++, v, step, t);
        v += 2 * step;
    }
    if (keys & 1) {
        mix_pair(*weight, v, 0, t);
    }
    for (int32_t c = 0; c < 4; c++) {
        total[c] = t[c];
    }
}

static inline void four(const uint32_t *query, uint32_t k0, uint32_t k1, uint32_t *score)
{
    for (int32_t i = 0; i < 2; i++) {
        const uint32_t even = query[i];
        const uint32_t odd = query[i + 2];
        int32_t s0 = (int32_t)score[2 * i];
        int32_t s1 = (int32_t)score[2 * i + 1];
        s0 = ec_smlad(even, ec_sxtb16(k0), s0);
        s1 = ec_smlad(even, ec_sxtb16(k1), s1);
        score[2 * i] = (uint32_t)ec_smlad(odd, ec_sxtb16(ec_ror(k0, 8)), s0);
        score[2 * i + 1] = (uint32_t)ec_smlad(odd, ec_sxtb16(ec_ror(k1, 8)), s1);
    }
}

#if !(defined(__ARM_FEATURE_DSP) && defined(__thumb2__))

static void whole_scores(const uint32_t *query, const int8_t *k, int32_t step, int32_t whole, int32_t pairs,
                         uint32_t *score)
{
    for (int32_t j = 0; j < pairs; j++, k += 2 * step, score += 4) {
        memset(score, 0, 4 * sizeof *score);
        for (int32_t i = 0; i < whole; i += 4) {
            four(query + i, ec_word(k + i), ec_word(k + step + i), score);
        }
    }
}

static void whole_scores_of_one(const int16_t *query, const int8_t *k, int32_t step, int32_t whole, int32_t fours,
                                int32_t *score)
{
    for (int32_t j = 0; j < 4 * fours; j++, k += step) {
        score[j] = 0;
        for (int32_t i = 0; i < whole; i += 4) {
#ifdef EC_HAVE_DSP
            const uint32_t x = ec_word(k + i);
            score[j] = ec_smlad(ec_pair(query + i), ec_sxtb16(x), score[j]);
            score[j] = ec_smlad(ec_pair(query + i + 2), ec_sxtb16(ec_ror(x, 8)), score[j]);
#else /* ec_widen_s8 leaves the order as it is */
            for (int32_t c = i; c < i + 4; c++) {
                score[j] += query[c] * k[c];
            }
#endif
        }
    }
}

void ec_attend_mix(const uint32_t *weight, const int8_t *v, int32_t step, int32_t keys, int32_t total[8])
{
    for (; keys > 0; keys -= 2, v += 2 * step, weight += 4) {
        uint32_t column[4];
        pair_up(ec_word(v), keys == 1 ? 0u : ec_word(v + step), column);
        for (int32_t c = 0; c < 4; c++) {
            total[c] = ec_smlad(column[c], weight[0], total[c]);
            total[4 + c] = ec_smlad(column[c], weight[1], total[4 + c]);
        }
    }
}

#else

/* -- in assembly: a compiler spills in loops of so many registers -- */

/* Arguments come in r0 to r3, then on the stack. */
#define IN(type, name) __attribute__((unused)) type name

/* Four features of two queries and of two keys, each loaded long before it is needed. r0, r12: keys; r1: query. */
#define FEATURES                       \
    "ldr r6, [r0], #4\n"               \
    "ldmia r1!, {r2-r5}\n"             \
    "sxtb16 r7, r6\n"                  \
    "smlad r8, r2, r7, r8\n"           \
    "smlad r10, r3, r7, r10\n"         \
    "ldr r7, [r12], #4\n"              \
    "sxtb16 r6, r6, ror #8\n"          \
    "smlad r8, r4, r6, r8\n"           \
    "smlad r10, r5, r6, r10\n"         \
    "sxtb16 r6, r7\n"                  \
    "smlad r9, r2, r6, r9\n"           \
    "smlad r11, r3, r6, r11\n"         \
    "sxtb16 r7, r7, ror #8\n"          \
    "smlad r9, r4, r7, r9\n"           \
    "smlad r11, r5, r7, r11\n"

/* r0, r12: keys. Stack: 0 query, 4 where r1 is before the first turn of four, 8 its end, 12 bytes from the end of a
 * key to the next but one, 16 score, 20 its end; then what was pushed. */
__attribute__((naked, noinline)) static void whole_scores(IN(const uint32_t *, query), IN(const int8_t *, k),
                                                          IN(int32_t, step), IN(int32_t, whole),
                                                          IN(int32_t, pairs), IN(uint32_t *, score))
{
    __asm__ volatile("push {r4-r11, lr}\n"
                     "ldrd r4, r5, [sp, #36]\n"
                     "sub sp, sp, #28\n"
                     "and r6, r3, #15\n"
                     "add r6, r0, r6, lsl #2\n"
                     "strd r0, r6, [sp]\n"
                     "add r6, r0, r3, lsl #2\n"
                     "rsb r7, r3, r2, lsl #1\n"
                     "strd r6, r7, [sp, #8]\n"
                     "add r6, r5, r4, lsl #4\n"
                     "strd r5, r6, [sp, #16]\n"
                     "mov r0, r1\n"
                     "add r12, r1, r2\n"
                     "1: ldrd r1, lr, [sp]\n"
                     "mov r8, #0\n"
                     "mov r9, #0\n"
                     "mov r10, #0\n"
                     "mov r11, #0\n"
                     "cmp r1, lr\n"
                     "beq 3f\n"
                     "2:\n" FEATURES "cmp r1, lr\n"
                     "bne 2b\n"
                     "3: ldr lr, [sp, #8]\n"
                     "cmp r1, lr\n"
                     "beq 5f\n"
                     "4:\n" FEATURES FEATURES FEATURES FEATURES "cmp r1, lr\n"
                     "bne 4b\n"
                     "5: ldrd r2, r3, [sp, #12]\n"
                     "ldr r4, [sp, #20]\n"
                     "add r0, r0, r2\n"
                     "add r12, r12, r2\n"
                     "stmia r3!, {r8-r11}\n"
                     "str r3, [sp, #16]\n"
                     "cmp r3, r4\n"
                     "bne 1b\n"
                     "add sp, sp, #28\n"
                     "pop {r4-r11, pc}\n");
}

/* Four features of one query and of the key at r, whose sum is a. */
#define KEY_OF_ONE(r, a)               \
    "ldr r6, [" r "], #4\n"            \
    "sxtb16 r7, r6\n"                  \
    "smlad " a ", r4, r7, " a "\n"     \
    "sxtb16 r6, r6, ror #8\n"          \
    "smlad " a ", r5, r6, " a "\n"
#define FEATURES_OF_ONE                \
    "ldrd r4, r5, [r1], #8\n" KEY_OF_ONE("r0", "r8") KEY_OF_ONE("r12", "r9") KEY_OF_ONE("r2", "r10") \
        KEY_OF_ONE("r3", "r11")

/* r0, r12, r2, r3: keys. Stack as above, but that 12 is the bytes to the next key but three. */
__attribute__((naked, noinline)) static void whole_scores_of_one(IN(const int16_t *, query), IN(const int8_t *, k),
                                                                 IN(int32_t, step), IN(int32_t, whole),
                                                                 IN(int32_t, fours), IN(int32_t *, score))
{
    __asm__ volatile("push {r4-r11, lr}\n"
                     "ldrd r4, r5, [sp, #36]\n"
                     "sub sp, sp, #28\n"
                     "and r6, r3, #15\n"
                     "add r6, r0, r6, lsl #1\n"
                     "strd r0, r6, [sp]\n"
                     "add r6, r0, r3, lsl #1\n"
                     "rsb r7, r3, r2, lsl #2\n"
                     "strd r6, r7, [sp, #8]\n"
                     "add r6, r5, r4, lsl #4\n"
                     "strd r5, r6, [sp, #16]\n"
                     "mov r0, r1\n"
                     "add r12, r1, r2\n"
                     "add r3, r12, r2, lsl #1\n"
                     "add r2, r12, r2\n"
                     "1: ldrd r1, lr, [sp]\n"
                     "mov r8, #0\n"
                     "mov r9, #0\n"
                     "mov r10, #0\n"
                     "mov r11, #0\n"
                     "cmp r1, lr\n"
                     "beq 3f\n"
                     "2:\n" FEATURES_OF_ONE "cmp r1, lr\n"
                     "bne 2b\n"
                     "3: ldr lr, [sp, #8]\n"
                     "cmp r1, lr\n"
                     "beq 5f\n"
                     "4:\n" FEATURES_OF_ONE FEATURES_OF_ONE FEATURES_OF_ONE FEATURES_OF_ONE "cmp r1, lr\n"
                     "bne 4b\n"
                     "5: ldrd r4, r5, [sp, #12]\n"
                     "ldr r6, [sp, #20]\n"
                     "add r0, r0, r4\n"
                     "add r12, r12, r4\n"
                     "add r2, r2, r4\n"
                     "add r3, r3, r4\n"
                     "stmia r5!, {r8-r11}\n"
                     "str r5, [sp, #16]\n"
                     "cmp r5, r6\n"
                     "bne 1b\n"
                     "add sp, sp, #28\n"
                     "pop {r4-r11, pc}\n");
}

/* A pair of keys at r0, r2 bytes apart, with the weights at `at` behind those of the turn, which are at r12. Two sums
 * wait for the end, where they hide what r2 and r12 take to come back. */
#define VALUES(at)                     \
    "ldr r1, [r0]\n"                   \
    "ldr r3, [r0, r2]\n"               \
    "add r0, r0, r2, lsl #1\n"         \
    "ldrd r12, lr, [r12, #" at "]\n"   \
    "pkhbt r2, r1, r3, lsl #16\n"      \
    "pkhtb r3, r3, r1, asr #16\n"      \
    "sxtb16 r1, r2\n"                  \
    "smlad r4, r1, r12, r4\n"          \
    "smlad r8, r1, lr, r8\n"           \
    "sxtb16 r2, r2, ror #8\n"          \
    "smlad r5, r2, r12, r5\n"          \
    "smlad r9, r2, lr, r9\n"           \
    "sxtb16 r1, r3\n"                  \
    "smlad r6, r1, r12, r6\n"          \
    "sxtb16 r3, r3, ror #8\n"          \
    "smlad r7, r3, r12, r7\n"          \
    "ldrd r2, r12, [sp]\n"             \
    "smlad r10, r1, lr, r10\n"         \
    "smlad r11, r3, lr, r11\n"

/* On to the next turn, the weights of which are `bytes` further. */
#define TURN(bytes, label)             \
    "ldr r1, [sp, #8]\n"               \
    "add r12, r12, #" bytes "\n"       \
    "str r12, [sp, #4]\n"              \
    "cmp r12, r1\n"                    \
    "bne " label "\n"

/* The last key of an odd number is taken for two, of which the second has no weight. Stack: 0 step, 4 weights of the
 * turn, 8 where they end: before the first turn of eight pairs, then behind the last, 12 total, 16 the last end, 20
 * keys; then what was pushed. */
__attribute__((naked, noinline)) void ec_attend_mix(IN(const uint32_t *, weight), IN(const int8_t *, v),
                                                    IN(int32_t, step), IN(int32_t, keys),
                                                    __attribute__((unused)) int32_t total[8])
{
    __asm__ volatile("push {r4-r11, lr}\n"
                     "ldr r12, [sp, #36]\n"
                     "sub sp, sp, #28\n"
                     "strd r2, r0, [sp]\n"
                     "and r4, r3, #14\n"
                     "add r4, r0, r4, lsl #3\n"
                     "strd r4, r12, [sp, #8]\n"
                     "bic r5, r3, #1\n"
                     "add r5, r0, r5, lsl #3\n"
                     "strd r5, r3, [sp, #16]\n"
                     "cmp r0, r4\n"
                     "ldm r12, {r4-r11}\n"
                     "mov r12, r0\n"
                     "mov r0, r1\n"
                     "beq 2f\n"
                     "1:\n" VALUES("0") TURN("16", "1b") "2: ldr r1, [sp, #16]\n"
                     "str r1, [sp, #8]\n"
                     "cmp r1, r12\n"
                     "beq 4f\n"
                     "3:\n" VALUES("0") VALUES("16") VALUES("32") VALUES("48") VALUES("64") VALUES("80")
                         VALUES("96") VALUES("112") TURN("128", "3b") "4: ldr r1, [sp, #20]\n"
                     "tst r1, #1\n"
                     "beq 5f\n"
                     "mov r2, #0\n" VALUES("0") "5: ldr r0, [sp, #12]\n"
                     "stm r0, {r4-r11}\n"
                     "add sp, sp, #28\n"
                     "pop {r4-r11, pc}\n");
}

#endif

void ec_attend_scores(const uint32_t *query, int32_t depth, const int8_t *k, int32_t step, int32_t pairs,
                      uint32_t *score)
{
    const int32_t whole = depth & ~3;

    if (pairs == 0) {
        return;
    }
    whole_scores(query, k, step, whole, pairs, score);
    for (int32_t j = 0; j < pairs && whole < depth; j++, k += 2 * step) {
        four(query + whole, rest_of(k + whole, depth - whole), rest_of(k + step + whole, depth - whole),
             score + 4 * j);
    }
}

void ec_attend_scores_of_one(const int16_t *query, int32_t depth, const int8_t *k, int32_t step, int32_t keys,
                             int32_t *score)
{
    const int32_t whole = depth & ~3;
    const int32_t fours = keys >> 2;

    if (fours != 0) {
        whole_scores_of_one(query, k, step, whole, fours, score);
    }
    for (int32_t j = 0; j < 4 * fours && whole < depth; j++) {
        for (int32_t i = whole; i < depth; i++) {
            score[j] += query[i] * k[j * step + i];
        }
    }
    ec_wide_dots(query, k + 4 * fours * step, step, keys & 3, depth, score + 4 * fours);
}
