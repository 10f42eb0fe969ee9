#include "ec_lookup.h"

#include "ec_dsp.h"
#include "ec_dsp_assembly.h"

enum { RUN = 8 }; /* inputs */

/* Words of the pairs first, 0 .. first, n - 1. */
static void pairs(const int8_t *book, int32_t n, uint32_t *to)
{
    for (int32_t second = 0; second < n; second++) {
        const uint32_t upper = (uint32_t)book[second] << 16;
        for (int32_t first = 0; first < n; first += 4) {
            *to++ = ((uint32_t)book[first] & 0xFFFFu) | upper;
            *to++ = ((uint32_t)book[first + 1] & 0xFFFFu) | upper;
            *to++ = ((uint32_t)book[first + 2] & 0xFFFFu) | upper;
            *to++ = ((uint32_t)book[first + 3] & 0xFFFFu) | upper;
        }
    }
}

void ec_lookup_book(const ec_lookup *c, int32_t book, uint32_t *to)
{
    const int8_t *entries = c->book + book * c->entries;
    uint32_t two[16];

    if (c->bits > 2) {
        pairs(entries, c->entries, to);
        return;
    }
    pairs(entries, c->entries, two);
    for (int32_t second = 0; second < 16; second++) {
        for (int32_t first = 0; first < 16; first++, to += 2) {
            to[0] = two[first];
            to[1] = two[second];
        }
    }
}

void ec_lookup_expand(const ec_lookup *c, uint32_t *to, const int8_t *x, int32_t n)
{
    const int8_t *whole = x + (n & ~3);
    const uint32_t *end = to + c->padded / 2;
    uint32_t rest = 0;

    for (; x < whole; x += 4, to += 2) {
        const uint32_t w = ec_word(x);
        to[0] = ec_sxtb16(w);
        to[1] = ec_sxtb16(ec_ror(w, 8));
    }
    memcpy(&rest, x, (size_t)n & 3);
    for (; to < end; to += 2, rest = 0) {
        to[0] = ec_sxtb16(rest);
        to[1] = ec_sxtb16(ec_ror(rest, 8));
    }
}

/* -- sums ------------------------------------------------------------------
 *
 * A part: got = the products of the inputs from x to end, so many runs, with the weights of four outputs. Returns where their
 * codes end. */

#ifdef EC_DSP_ASSEMBLY

/* r0: table, r1: codes, r2: inputs, r4 to r7: those of a run, r8 to r11: sums. */
#define LOADED(t) "ldrb " t ", [r1], #1\n"
#define LOOKED_UP(t) "ldr " t ", [r0, " t ", lsl #2]\n"
#define TIMES(sum, x, t) "smlad " sum ", " x ", " t ", " sum "\n"
#define FIELD(t, at, bits) "ubfx " t ", r3, #" at ", #" bits "\n"

/* Four codes have a byte, and two words in the table; of the next byte, lr has the place in the table. */
#define FIRST_2 LOADED("lr") "add lr, r0, lr, lsl #3\n"
#define BYTE_2(sum, x0, x1)                                                                               \
    "ldrd r3, r12, [lr]\n" LOADED("lr") TIMES(sum, x0, "r3") "add lr, r0, lr, lsl #3\n" TIMES(sum, x1, "r12")
#define LAST_2(sum, x0, x1) "ldrd r3, r12, [lr]\n" TIMES(sum, x0, "r3") TIMES(sum, x1, "r12")
#define RUN_2(sum) BYTE_2(sum, "r4", "r5") BYTE_2(sum, "r6", "r7")
#define FOUR_2                                                                                            \
    FIRST_2 RUN_2("r8") RUN_2("r9") RUN_2("r10") BYTE_2("r11", "r4", "r5") LAST_2("r11", "r6", "r7")

/* r3: the codes of a run. */
#define NEXT_3 "ldr r3, [r1], #3\n"
#define RUN_3(sum, next)                                                                                  \
    FIELD("r12", "0", "6") FIELD("lr", "6", "6") LOOKED_UP("r12") LOOKED_UP("lr") TIMES(sum, "r4", "r12") \
        FIELD("r12", "12", "6") TIMES(sum, "r5", "lr") FIELD("lr", "18", "6") LOOKED_UP("r12") next       \
            LOOKED_UP("lr") TIMES(sum, "r6", "r12") TIMES(sum, "r7", "lr")
#define FOUR_3 NEXT_3 RUN_3("r8", NEXT_3) RUN_3("r9", NEXT_3) RUN_3("r10", NEXT_3) RUN_3("r11", "")

/* While a pair's code is loaded, the one before is looked up, and the one before that multiplied. */
#define A(sum, x) LOADED("lr") LOOKED_UP("r12") TIMES(sum, x, "r3")
#define B(sum, x) LOADED("r3") LOOKED_UP("lr") TIMES(sum, x, "r12")
#define C(sum, x) LOADED("r12") LOOKED_UP("r3") TIMES(sum, x, "lr")
#define FOUR_4                                                                                            \
    LOADED("r3") LOADED("r12") LOOKED_UP("r3") A("r8", "r4") B("r8", "r5") C("r8", "r6") A("r8", "r7")    \
        B("r9", "r4") C("r9", "r5") A("r9", "r6") B("r9", "r7") C("r10", "r4") A("r10", "r5")             \
            B("r10", "r6") C("r10", "r7") A("r11", "r4") B("r11", "r5") LOOKED_UP("r3")                   \
                TIMES("r11", "r6", "lr") TIMES("r11", "r7", "r3")

/* r3: the first codes of a run, and then those behind the first byte. */
#define NEXT_5 "ldr r3, [r1], #1\n"
#define RUN_5(sum, next)                                                                                  \
    FIELD("r12", "0", "10") FIELD("lr", "10", "10") LOOKED_UP("r12") LOOKED_UP("lr")                      \
        TIMES(sum, "r4", "r12") FIELD("r12", "20", "10") "ldr r3, [r1], #4\n" TIMES(sum, "r5", "lr")      \
            LOOKED_UP("r12") "lsr lr, r3, #22\n" next LOOKED_UP("lr") TIMES(sum, "r6", "r12")             \
                TIMES(sum, "r7", "lr")
#define FOUR_5 NEXT_5 RUN_5("r8", NEXT_5) RUN_5("r9", NEXT_5) RUN_5("r10", NEXT_5) RUN_5("r11", "")

/* Stack: end, registers, and got. */
#define PART(bits)                                                                                        \
    EC_NAKED const uint8_t *part_##bits(EC_IN(const uint32_t *, table), EC_IN(const uint8_t *, codes),    \
                                        EC_IN(const uint32_t *, x), EC_IN(const uint32_t *, end),         \
                                        EC_IN(int32_t *, got))                                            \
    {                                                                                                     \
        __asm__ volatile("push {r3-r11, lr}\n"                                                            \
                         "mov r8, #0\nmov r9, #0\nmov r10, #0\nmov r11, #0\n"                             \
                         "1: ldm r2!, {r4-r7}\n" FOUR_##bits                                              \
                         "ldr r3, [sp]\n"                                                                 \
                         "cmp r2, r3\n"                                                                   \
                         "bne.w 1b\n"                                                                     \
                         "ldr r3, [sp, #40]\n"                                                            \
                         "stm r3, {r8-r11}\n"                                                             \
                         "mov r0, r1\n"                                                                   \
                         "pop {r3-r11, pc}\n");                                                           \
    }

#else

static uint32_t load(const uint8_t *codes)
{
    uint32_t x;
    __builtin_memcpy(&x, codes, 4);
    return x;
}

/* Pair k of a run. */
static uint32_t pair(const uint32_t *table, const uint8_t *codes, int32_t k, int32_t bits)
{
    if (bits == 2) {
        return table[2 * codes[k / 2] + k % 2];
    }
    const int32_t at = 2 * bits * k;
    return table[load(codes + at / 8) >> at % 8 & ((1u << 2 * bits) - 1u)];
}

#define PART(bits)                                                                                        \
    static const uint8_t *part_##bits(const uint32_t *table, const uint8_t *codes, const uint32_t *x,     \
                                      const uint32_t *end, int32_t *got)                                  \
    {                                                                                                     \
        got[0] = got[1] = got[2] = got[3] = 0;                                                            \
        for (; x < end; x += RUN / 2) {                                                                   \
            for (int32_t o = 0; o < 4; o++, codes += bits) {                                              \
                for (int32_t k = 0; k < RUN / 2; k++) {                                                   \
                    got[o] = ec_smlad(x[k], pair(table, codes, k, bits), got[o]);                         \
                }                                                                                         \
            }                                                                                             \
        }                                                                                                 \
        return codes;                                                                                     \
    }
#endif

PART(2)
PART(3)
PART(4)
PART(5)

void ec_lookup_sums(const ec_lookup *c, int32_t unit, const uint32_t *table, const uint32_t *x, int32_t sums[4])
{
    const uint8_t *codes = c->codes + unit * c->bytes;
    const int32_t words = c->padded / c->parts / 2;

    sums[0] = sums[1] = sums[2] = sums[3] = 0;
    for (int32_t k = 0; k < c->parts; k++, x += words) {
        const int32_t factor = c->scales == NULL ? 1 : c->scales[unit * c->parts + k];
        int32_t got[4];
        switch (c->bits) {
        case 2:
            codes = part_2(table, codes, x, x + words, got);
            break;
        case 3:
            codes = part_3(table, codes, x, x + words, got);
            break;
        case 4:
            codes = part_4(table, codes, x, x + words, got);
            break;
        default:
            codes = part_5(table, codes, x, x + words, got);
        }
        for (int32_t o = 0; o < 4; o++) {
            sums[o] += factor * got[o];
        }
    }
}
