/* Ops of two operands, element by element, with broadcasting.
 *
 * Output row i is (i / lead, i % lead) and needs operand row (i / lead) * far + (i % lead) * near
 * (of a constant: that element); element e of it is (e / inner, e % inner) and needs operand element
 * (e / inner) * outer + (e % inner) * inner. Values are int8, or int16 where `wide`.
 * Elements are computed in chunks, in ascending order.
 */
#ifndef EC_BINARY_H
#define EC_BINARY_H

#include "ec_mve.h"

/* The members every such kernel's parameters begin with. */
#define EC_BINARY_OPERAND(x) \
    int32_t x##_wide;        \
    int32_t x##_zero;        \
    int32_t x##_far;         \
    int32_t x##_near;        \
    int32_t x##_outer;       \
    int32_t x##_inner;       \
    const int8_t *x##_s8;    \
    const int16_t *x##_s16;

#define EC_BINARY_MEMBERS \
    int32_t row_size;     \
    int32_t lead;         \
    int32_t inner;        \
    EC_BINARY_OPERAND(a)  \
    EC_BINARY_OPERAND(b)  \
    int32_t y_wide;       \
    int32_t y_zero;       \
    int32_t lo;           \
    int32_t hi;

typedef struct {
    EC_BINARY_MEMBERS
} ec_binary;

enum { EC_CHUNK = 16 };

/* to[i] = x[i * step] - zero, for n values from element `from` on. */
static inline void ec_load(int32_t *to, const void *x, int32_t wide, int32_t from, int32_t step, int32_t n,
                           int32_t zero)
{
    if (wide) {
        const int16_t *v = (const int16_t *)x + from;
        for (int32_t i = 0; i < n; i++) {
            to[i] = v[i * step] - zero;
        }
    } else {
        const int8_t *v = (const int8_t *)x + from;
        for (int32_t i = 0; i < n; i++) {
            to[i] = v[i * step] - zero;
        }
    }
}

/* y[from + i] = x[i] clamped to lo..hi. */
static inline void ec_store(void *y, int32_t wide, int32_t from, const int32_t *x, int32_t n, int32_t lo,
                            int32_t hi)
{
    if (wide) {
        int16_t *v = (int16_t *)y + from;
        for (int32_t i = 0; i < n; i++) {
            v[i] = (int16_t)ec_clamp(x[i], lo, hi);
        }
    } else {
        int8_t *v = (int8_t *)y + from;
        for (int32_t i = 0; i < n; i++) {
            v[i] = (int8_t)ec_clamp(x[i], lo, hi);
        }
    }
}

/* Makes a[i] the op's result of a[i] and b[i]; p points to the kernel's parameters. */
typedef void ec_binary_op(const void *p, int32_t *a, const int32_t *b, int32_t n);

static inline void ec_binary_row(const ec_binary *p, const void *op_params, ec_binary_op *op, const void *a,
                                 const void *b, void *y)
{
    int32_t from_a = 0;
    int32_t from_b = 0;

    for (int32_t done = 0; done < p->row_size; from_a += p->a_outer, from_b += p->b_outer) {
        for (int32_t i = 0; i < p->inner; i += EC_CHUNK) {
            const int32_t n = ec_min(EC_CHUNK, p->inner - i);
            int32_t va[EC_CHUNK];
            int32_t vb[EC_CHUNK];
            ec_load(va, a, p->a_wide, from_a + i * p->a_inner, p->a_inner, n, p->a_zero);
            ec_load(vb, b, p->b_wide, from_b + i * p->b_inner, p->b_inner, n, p->b_zero);
            op(op_params, va, vb, n);
            ec_store(y, p->y_wide, done, va, n, p->lo, p->hi);
            done += n;
        }
    }
}

/* Where the operands of rows are. */
typedef struct {
    const ec_window *a; /* NULL for a constant */
    const ec_window *b;
} ec_binary_windows;

static inline ec_binary_windows ec_binary_windows_of(const ec_binary *p, const ec_window *in)
{
    ec_binary_windows w;
    w.a = p->a_s8 == NULL && p->a_s16 == NULL ? in++ : NULL;
    w.b = p->b_s8 == NULL && p->b_s16 == NULL ? in : NULL;
    return w;
}

/* What output row `row` needs of operand a, and of b. */
static inline const void *ec_binary_a(const ec_binary *p, const ec_window *window, int32_t row)
{
    const int32_t r = row / p->lead * p->a_far + row % p->lead * p->a_near;
    return window != NULL ? ec_row(window, r) : p->a_wide ? (const void *)(p->a_s16 + r) : (const void *)(p->a_s8 + r);
}

static inline const void *ec_binary_b(const ec_binary *p, const ec_window *window, int32_t row)
{
    const int32_t r = row / p->lead * p->b_far + row % p->lead * p->b_near;
    return window != NULL ? ec_row(window, r) : p->b_wide ? (const void *)(p->b_s16 + r) : (const void *)(p->b_s8 + r);
}

/* x so many elements on. */
static inline const void *ec_binary_moved(const void *x, int32_t wide, int32_t elements)
{
    return (const int8_t *)x + (wide ? 2 * elements : elements);
}

/* p: the parameters again, as the common part and as what `op` takes. */
static inline void ec_binary_run(const ec_binary *p, const void *op_params, ec_binary_op *op,
                                 const ec_window *in, const ec_window *out, int32_t first, int32_t last)
{
    const ec_binary_windows w = ec_binary_windows_of(p, in);

    for (int32_t row = first; row < last; row++) {
        ec_binary_row(p, op_params, op, ec_binary_a(p, w.a, row), ec_binary_b(p, w.b, row), ec_row(out, row));
    }
}

#ifdef EC_HAVE_MVE
/* Whether ec_binary_run_x4 serves: all values are int8, and elements of the inner loop follow each other, or one
 * operand has one for all of them. */
static inline int ec_binary_is_x4(const ec_binary *p)
{
    return (p->a_inner | p->b_inner) == 1 && !(p->a_wide || p->b_wide || p->y_wide);
}

/* The op's results of four elements. */
typedef int32x4_t ec_binary_op_x4(const void *p, int32x4_t a, int32x4_t b);

/* n elements; a and b point to so many, or one is alone where its flag is not set. */
EC_INLINE void ec_binary_line(const ec_binary *p, const void *op_params, ec_binary_op_x4 *op, const int8_t *a,
                              int many_a, const int8_t *b, int many_b, int8_t *y, int32_t n)
{
    const int32x4_t lo = vdupq_n_s32(p->lo);
    const int32x4_t hi = vdupq_n_s32(p->hi);
    const int32_t a_zero = p->a_zero;
    const int32_t b_zero = p->b_zero;
    const int32x4_t one_a = vdupq_n_s32(*a - a_zero);
    const int32x4_t one_b = vdupq_n_s32(*b - b_zero);

    for (; n > 0; n -= 4, a += 4, b += 4, y += 4) {
        const mve_pred16_t live = vctp32q((uint32_t)n);
        const int32x4_t u = many_a ? vsubq_n_s32(vldrbq_z_s32(a, live), a_zero) : one_a;
        const int32x4_t v = many_b ? vsubq_n_s32(vldrbq_z_s32(b, live), b_zero) : one_b;
        vstrbq_p_s32(y, vminq_s32(vmaxq_s32(op(op_params, u, v), lo), hi), live);
    }
}

EC_INLINE void ec_binary_run_x4(const ec_binary *p, const void *op_params, ec_binary_op_x4 *op, const ec_window *in,
                                const ec_window *out, int32_t first, int32_t last)
{
    const ec_binary_windows w = ec_binary_windows_of(p, in);

    for (int32_t row = first; row < last; row++) {
        const int8_t *a = (const int8_t *)ec_binary_a(p, w.a, row);
        const int8_t *b = (const int8_t *)ec_binary_b(p, w.b, row);
        int8_t *y = (int8_t *)ec_row(out, row);
        const int8_t *end = y + p->row_size;

        for (; y < end; a += p->a_outer, b += p->b_outer, y += p->inner) {
            if (!p->b_inner) {
                ec_binary_line(p, op_params, op, a, 1, b, 0, y, p->inner);
            } else if (!p->a_inner) {
                ec_binary_line(p, op_params, op, a, 0, b, 1, y, p->inner);
            } else {
                ec_binary_line(p, op_params, op, a, 1, b, 1, y, p->inner);
            }
        }
    }
}
#endif

#endif
