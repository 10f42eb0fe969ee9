#include "ec_lut_s8_neon.h"

#include "ec_neon.h"

#ifdef EC_HAVE_NEON
static inline int8x16x4_t quarter(const int8_t *table)
{
    const int8x16x4_t q = {{vld1q_s8(table), vld1q_s8(table + 16), vld1q_s8(table + 32), vld1q_s8(table + 48)}};
    return q;
}

/* The values that come in sixteens; returns how many. TBL looks 64 bytes up, and gives 0 beyond them. */
static int32_t sixteens(const int8_t *table, const int8_t *x, int8_t *y, int32_t n)
{
    const int8x16x4_t q0 = quarter(table);
    const int8x16x4_t q1 = quarter(table + 64);
    const int8x16x4_t q2 = quarter(table + 128);
    const int8x16x4_t q3 = quarter(table + 192);
    const uint8x16_t quarters = vdupq_n_u8(64);
    int32_t i = 0;

    for (; i + 16 <= n; i += 16) {
        uint8x16_t at = veorq_u8(vreinterpretq_u8_s8(vld1q_s8(x + i)), vdupq_n_u8(128));
        int8x16_t v = vqtbl4q_s8(q0, at);
        at = vsubq_u8(at, quarters);
        v = vqtbx4q_s8(v, q1, at);
        at = vsubq_u8(at, quarters);
        v = vqtbx4q_s8(v, q2, at);
        v = vqtbx4q_s8(v, q3, vsubq_u8(at, quarters));
        vst1q_s8(y + i, v);
    }
    return i;
}
#endif

void ec_lut_s8_neon(const ec_lut_s8_neon_params *p, const ec_window *in, const ec_window *out, int32_t first,
                    int32_t last, void *scratch)
{
    (void)scratch;
    for (int32_t row = first; row < last; row++) {
        const int8_t *x = ec_row_s8(in, row);
        int8_t *y = (int8_t *)ec_row(out, row);
        int32_t i = 0;
#ifdef EC_HAVE_NEON
        i = sixteens(p->table, x, y, p->length);
#endif
        for (; i < p->length; i++) {
            y[i] = p->table[x[i] + 128];
        }
    }
}
