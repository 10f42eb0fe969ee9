/* What every kernel shares: windows of rows and exact fixed-point arithmetic.
 *
 * A tensor is a sequence of rows. A window says where the rows lie: row i is at
 * base + (i mod capacity) * pitch. A whole tensor is a window of all its rows. Where rows have
 * a place each, row i is at base + slots[i] * EC_SLOT.
 *
 * The arithmetic is TensorFlow Lite Micro's (gemmlowp, two roundings);
 * edgec/ops/fixed.py states the same in Python. Right shifts of negative numbers are
 * arithmetic on every supported compiler.
 */
#ifndef EDGEC_H
#define EDGEC_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A function whose small integer arguments are constants: a loop of its own for each. */
#if defined(__GNUC__)
#define EC_INLINE static inline __attribute__((always_inline))
#else
#define EC_INLINE static inline
#endif

/* Bytes that slots are counted in. */
#define EC_SLOT 4

typedef struct {
    void *base;            /* address of row 0 */
    int32_t pitch;         /* bytes from one row to the next */
    int32_t capacity;      /* rows that fit; row i lies in slot i mod capacity. 0 where there are slots */
    const uint16_t *slots; /* NULL, or where each row lies */
} ec_window;

/* What ec_row gives for rows of rings and of slots. A function where flash is short; elsewhere a call would cost
 * the loops around it their registers. */
#if defined(__thumb__)
void *ec_row_of_few(const ec_window *w, int32_t row);
#else
static inline void *ec_row_of_few(const ec_window *w, int32_t row)
{
    return (uint8_t *)w->base + (w->slots != NULL ? w->slots[row] * EC_SLOT : row % w->capacity * w->pitch);
}
#endif

static inline void *ec_row(const ec_window *w, int32_t row)
{
    return row < w->capacity ? (uint8_t *)w->base + row * w->pitch : ec_row_of_few(w, row);
}

static inline const int8_t *ec_row_s8(const ec_window *w, int32_t row)
{
    return (const int8_t *)ec_row(w, row);
}

/* Whether [a, a + na) and [b, b + nb) share a byte. */
static inline int ec_overlaps(const void *a, int32_t na, const void *b, int32_t nb)
{
    const uintptr_t x = (uintptr_t)a;
    const uintptr_t y = (uintptr_t)b;
    return x < y + (uintptr_t)nb && y < x + (uintptr_t)na;
}

static inline int32_t ec_min(int32_t a, int32_t b) { return a < b ? a : b; }
static inline int32_t ec_max(int32_t a, int32_t b) { return a > b ? a : b; }
static inline int32_t ec_clamp(int32_t x, int32_t lo, int32_t hi) { return ec_min(ec_max(x, lo), hi); }

/* floor((a * m + 2^30) / 2^31); a and m are never both INT32_MIN. */
static inline int32_t ec_mulhigh(int32_t a, int32_t m)
{
    return (int32_t)(((int64_t)a * m + (INT64_C(1) << 30)) >> 31);
}

/* x / 2^n, ties away from zero; 0 <= n <= 31. */
static inline int32_t ec_rshift(int32_t x, int32_t n)
{
    const int32_t mask = (int32_t)((UINT32_C(1) << n) - 1u);
    const int32_t rest = x & mask;
    const int32_t threshold = (mask >> 1) + (x < 0 ? 1 : 0);
    return (x >> n) + (rest > threshold ? 1 : 0);
}

/* acc * m * 2^(shift - 31), both roundings as TFLM has them; -31 <= shift <= 30, m >= 0.
 *
 * The right shift is ec_rshift, in fewer instructions: floor((x - (x < 0)) / 2^(n-1)) is
 * rounded up to even and halved. */
static inline int32_t ec_requant(int32_t acc, int32_t m, int32_t shift)
{
    if (shift >= 0) {
        return ec_mulhigh((int32_t)((uint32_t)acc << shift), m);
    }
    const int32_t x = ec_mulhigh(acc, m);
    return (((x + (x >> 31)) >> (-shift - 1)) + 1) >> 1;
}

#ifdef __cplusplus
}
#endif

#endif
