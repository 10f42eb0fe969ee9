#include "ec_dsp_int4.h"

#include "ec_dsp_assembly.h"

#define EC_DSP_GROUP 2
#define EC_DSP_ENTRY(name) ec_dsp_int4_##name
#define EC_DSP_WORDS(inputs) ((inputs) / 4)

#ifdef EC_DSP_ASSEMBLY

/* In 9 cycles on a Cortex-M7. r7: the bytes of b, shifted. lr: their mask. */
#define EC_PAIR_STEP            \
    "sxtb16 r12, r6\n"          \
    "and.w r7, lr, r6, lsl #4\n" \
    "smlad r8, r2, r12, r8\n"   \
    "ldr.w r4, [r1], #4\n"      \
    "smlad r9, r3, r12, r9\n"   \
    "sxtb16 r12, r7\n"          \
    "smlad r10, r2, r12, r10\n" \
    "ldr.w r5, [r1], #4\n"      \
    "smlad r11, r3, r12, r11\n" \
    "sxtb16 r12, r6, ror #8\n"  \
    "smlad r8, r4, r12, r8\n"   \
    "sxtb16 r7, r7, ror #8\n"   \
    "smlad r9, r5, r12, r9\n"   \
    "ldr.w r2, [r1], #4\n"      \
    "smlad r10, r4, r7, r10\n"  \
    "ldr.w r6, [r0], #4\n"      \
    "smlad r11, r5, r7, r11\n"  \
    "ldr.w r3, [r1], #4\n"

/* In 12 cycles on a Cortex-M7. r7: the mask. */
#define EC_SINGLE_STEP          \
    "sxtb16 r5, r4\n"           \
    "sxtb16 r3, lr, ror #8\n"   \
    "smlad r8, r2, r5, r8\n"    \
    "sxtb16 r5, r4, ror #8\n"   \
    "and.w r4, r7, r4, lsl #4\n" \
    "smlad r8, r3, r5, r8\n"    \
    "sxtb16 r5, r4\n"           \
    "ldr.w lr, [r1], #4\n"      \
    "smlad r10, r2, r5, r10\n"  \
    "sxtb16 r5, r6\n"           \
    "sxtb16 r4, r4, ror #8\n"   \
    "smlad r9, r2, r5, r9\n"    \
    "sxtb16 r5, r6, ror #8\n"   \
    "smlad r10, r3, r4, r10\n"  \
    "and.w r6, r7, r6, lsl #4\n" \
    "smlad r9, r3, r5, r9\n"    \
    "sxtb16 r5, r6\n"           \
    "ldr.w r4, [r0], #4\n"      \
    "smlad r11, r2, r5, r11\n"  \
    "sxtb16 r6, r6, ror #8\n"   \
    "sxtb16 r2, lr\n"           \
    "smlad r11, r3, r6, r11\n"  \
    "ldr.w r6, [r12], #4\n"

#define EC_PAIR_BYTES "72"
#define EC_PAIR_READY "ldr r12, [sp, #16]\nmov lr, #0xF0F0F0F0\n"
#define EC_PAIR_END "ldr r12, [sp, #20]\ncmp r1, r12\n"
#define EC_SINGLE_BYTES "92"
#define EC_SINGLE_FIRST "ldr r4, [r0], #4\n"
#define EC_SINGLE_SECOND "ldr r6, [r12], #4\nmov r7, #0xF0F0F0F0\n"
#define EC_SINGLE_END "ldr r5, [r0], #4\nldr r7, [r12], #4\n"
#define EC_GROUP_BYTES "mov r5, r6\n"
#define EC_UPPER ", asr #4"
#define EC_TWICE "lsl #1"

#include "ec_dsp_dual.inc"

#endif

/* Four inputs: [0] of 16a + b, [1] of 16b. */
static inline void add_products(uint32_t even, uint32_t odd, uint32_t w, int32_t sums[2])
{
    const uint32_t lower = w << 4 & 0xF0F0F0F0u;

    sums[0] = ec_smlad(odd, ec_sxtb16(ec_ror(w, 8)), ec_smlad(even, ec_sxtb16(w), sums[0]));
    sums[1] = ec_smlad(odd, ec_sxtb16(ec_ror(lower, 8)), ec_smlad(even, ec_sxtb16(lower), sums[1]));
}

static void store_pair(const ec_dsp_layer *l, const uint32_t *finish, int32_t o, const int32_t sums[2], void *y,
                       int32_t bytes)
{
    ec_dsp_store(l, finish, o, 2 * (sums[0] - (sums[1] >> 4)), y, bytes);
    ec_dsp_store(l, finish + EC_DSP_ENDS, o + 1, 2 * sums[1], y, bytes);
}

#ifndef EC_DSP_ASSEMBLY
static void ec_dsp_int4_column_in_c(const ec_dsp_layer *l, int32_t group, const uint32_t *column, int32_t v, void *y,
                                    int32_t bytes)
{
    const uint32_t *w = l->table;

    for (int32_t o = 0; o < l->outputs; o += group, w += EC_DSP_ENDS * group) {
        int32_t sums[2] = {0, 0};
        for (int32_t k = 0; k < l->inputs; k += 4) {
            add_products(column[k + v], column[k + 2 + v], *w++, sums);
        }
        store_pair(l, w, o, sums, y, bytes);
    }
}
#endif

static void ec_dsp_int4_vector_in_c(const ec_dsp_layer *l, int32_t group, int32_t first, const int8_t *x, void *y,
                                    int32_t bytes)
{
    const uint32_t *w = l->table + first / group * (EC_DSP_WORDS(l->inputs) + EC_DSP_ENDS * group);

    for (int32_t o = first; o < l->outputs; o += group, w += EC_DSP_ENDS * group) {
        int32_t sums[2] = {0, 0};
        for (int32_t k = 0; k < l->inputs; k += 4) {
            const uint32_t four = ec_word(x + k);
            add_products(ec_sxtb16(four), ec_sxtb16(ec_ror(four, 8)), *w++, sums);
        }
        store_pair(l, w, o, sums, y, bytes);
    }
}

#include "ec_dsp_entries.inc"
