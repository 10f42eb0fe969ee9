#include "ec_dsp_exp2.h"

enum { PLAIN, FINE, OTHER }; /* scores with 16 fraction bits, to be scaled yet or not, and all others */

/* (x + 1) / 2 of both unsigned halfwords. */
static inline uint32_t halved(uint32_t x)
{
#if defined(__ARM_FEATURE_DSP) && defined(__thumb2__)
    uint32_t d;
    __asm__("uhadd16 %0, %1, %2" : "=r"(d) : "r"(x), "r"(0x00010001u));
    return d;
#else
    return ((x & 0xFFFFu) + 1u) >> 1 | ((x >> 16) + 1u) >> 1 << 16;
#endif
}

/* Two weights before their last halving, as halfwords, side by side. What is 16 and more below the largest has no
 * weight: that far the table need not go. */
static inline uint32_t power(const ec_exp2_format *f, int32_t form, int32_t most, int32_t score)
{
    const int32_t s = form == PLAIN ? ec_exp2_scaled(f, score) : score;
    const int32_t up = form == OTHER ? 16 - f->fraction : 0;
    const uint32_t u = (uint32_t)ec_clamp(most - s, 0, (1 << (20 - up)) - 1) << up;
    const uint32_t *t = f->exp2 + 2 * ((u >> 10) & 63u);
    return (t[0] - t[1] * (u & 1023u)) >> ((u >> 16) + (uint32_t)f->precision);
}

static inline int32_t weigh(const ec_exp2_format *params, int32_t form, int32_t most, const int32_t *score,
                            int32_t from, uint32_t *weight, int32_t to, int32_t n)
{
    const ec_exp2_format f = *params;
    int32_t sum = 0;

    EC_NO_UNROLL
    for (int32_t pairs = n >> 1; pairs > 0; pairs--, score += from, weight += to) {
        const uint32_t a = power(&f, form, most, score[0]);
        const uint32_t b = power(&f, form, most, score[1]);
        const uint32_t both = halved(a | b << 16);
        sum = ec_smlad(both, 0x00010001u, sum);
        *weight = both;
    }
    if (n & 1) {
        *weight = halved(power(&f, form, most, score[0]));
        sum += (int32_t)*weight;
    }
    return sum;
}

#if defined(__ARM_FEATURE_DSP) && defined(__thumb2__)

/* r0 scores, r1 weights, r2 pairs of them, r3 the largest score, r4 left, r5 factor, r6 precision, r7 points, r8 sum. In
 * assembly: a compiler spills. x: how far a score is below the largest. */
#define POWER(x)                    \
    "ubfx r12, " x ", #10, #6\n"    \
    "add r12, r7, r12, lsl #3\n"    \
    "ldrd r11, r12, [r12]\n"        \
    "ubfx lr, " x ", #0, #10\n"     \
    "mls r11, r12, lr, r11\n"       \
    "add r12, r6, " x ", asr #16\n" \
    "lsr " x ", r11, r12\n"
#define PAIRS(name, from, to)                                                                                     \
    __attribute__((naked, noinline)) static int32_t name(IN(const int32_t *, score), IN(uint32_t *, weight),      \
                                                         IN(int32_t, pairs), IN(int32_t, most),                   \
                                                         IN(const ec_exp2_format *, f))                           \
    {                                                                                                             \
        __asm__ volatile("push {r4-r11, lr}\n"                                                                    \
                         "ldr r12, [sp, #36]\n"                                                                   \
                         "ldrd r4, r5, [r12]\n"                                                                   \
                         "ldrd r6, r7, [r12, #12]\n"                                                              \
                         "mov r8, #0\n"                                                                           \
                         "1: ldrd r9, r10, [r0], #" from "\n"                                                     \
                         "lsl r9, r9, r4\n"                                                                       \
                         "lsl r10, r10, r4\n"                                                                     \
                         "smmulr r9, r9, r5\n"                                                                    \
                         "smmulr r10, r10, r5\n"                                                                  \
                         "sub r9, r3, r9\n"                                                                       \
                         "sub r10, r3, r10\n"                                                                     \
                         "usat r9, #20, r9\n"                                                                     \
                         "usat r10, #20, r10\n" POWER("r9") POWER("r10")                                          \
                         "pkhbt r9, r9, r10, lsl #16\n"                                                           \
                         "mov r11, #0x00010001\n"                                                                 \
                         "uhadd16 r9, r9, r11\n"                                                                  \
                         "smlad r8, r9, r11, r8\n"                                                                \
                         "str r9, [r1], #" to "\n"                                                                \
                         "subs r2, r2, #1\n"                                                                      \
                         "bne 1b\n"                                                                               \
                         "mov r0, r8\n"                                                                           \
                         "pop {r4-r11, pc}\n");                                                                   \
    }
#define IN(type, name) __attribute__((unused)) type name

PAIRS(pairs_of_one, "8", "4")
PAIRS(pairs_of_two, "16", "16")

static int32_t weigh_plain(const ec_exp2_format *f, int32_t most, const int32_t *score, int32_t from, uint32_t *weight,
                           int32_t to, int32_t n)
{
    int32_t sum = 0;

    if (n >= 2) {
        sum = from == 2 ? pairs_of_one(score, weight, n >> 1, most, f) : pairs_of_two(score, weight, n >> 1, most, f);
    }
    return sum + weigh(f, PLAIN, most, score + (n >> 1) * from, from, weight + (n >> 1) * to, to, n & 1);
}

#else

static int32_t weigh_plain(const ec_exp2_format *f, int32_t most, const int32_t *score, int32_t from, uint32_t *weight,
                           int32_t to, int32_t n)
{
    return weigh(f, PLAIN, most, score, from, weight, to, n);
}

#endif

static int32_t largest(const int32_t *score, int32_t from, int32_t n)
{
    int32_t a = EC_EXCLUDED;
    int32_t b = EC_EXCLUDED;

    for (; n >= 2; n -= 2, score += from) {
        a = ec_max(a, score[0]);
        b = ec_max(b, score[1]);
    }
    return ec_max(n ? ec_max(a, score[0]) : a, b);
}

int32_t ec_exp2_pairs(const ec_exp2_format *f, int32_t scaled, int32_t *score, int32_t from, uint32_t *weight, int32_t to,
                      int32_t n, int32_t keys)
{
    ec_exp2_format format = *f;
    int32_t most = largest(score, from, n);
    int32_t sum = 0;

    format.precision = 24 - f->precision; /* what the points have more bits than weights, but for one */
    if (most == EC_EXCLUDED) {
        n = 0;
    } else if (scaled || f->fraction != 16) {
        if (!scaled) {
            most = ec_exp2_scaled(f, most);
            for (int32_t i = 0; i < n; i++) {
                int32_t *s = score + (i >> 1) * from + (i & 1);
                *s = ec_exp2_scaled(f, *s);
            }
        }
        sum = f->fraction == 16 ? weigh(&format, FINE, most, score, from, weight, to, n)
                                : weigh(&format, OTHER, most, score, from, weight, to, n);
    } else {
        sum = weigh_plain(&format, ec_exp2_scaled(f, most), score, from, weight, to, n);
    }
    for (int32_t j = (n + 1) >> 1; j < (keys + 1) >> 1; j++) {
        weight[j * to] = 0;
    }
    return sum;
}
