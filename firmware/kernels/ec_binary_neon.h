/* Ops of two operands (ec_binary.h) with Advanced SIMD, where elements of the inner loop follow each other or are
 * one and the same. */
#ifndef EC_BINARY_NEON_H
#define EC_BINARY_NEON_H

#include "ec_binary.h"
#include "ec_neon_stream.h"

#ifdef EC_HAVE_NEON
/* Makes the op's results of a and b, `fours` times four elements, in a; zero points are taken off. */
typedef void ec_neon_op(const void *params, int32x4_t *a, const int32x4_t *b, int fours);

/* How values are requantized behind a shift to the left. */
typedef struct {
    int32x4_t left;
    int32x4_t multiplier;
    int32x4_t right;
} ec_neon_scale;

static inline ec_neon_scale ec_neon_scale_of(int32_t left, int32_t multiplier, int32_t shift)
{
    const ec_neon_scale s = {vdupq_n_s32(left + ec_max(shift, 0)), vdupq_n_s32(multiplier),
                             vdupq_n_s32(ec_min(shift, 0))};
    return s;
}

EC_INLINE void ec_neon_scaled(ec_neon_scale s, int32x4_t *x, int fours)
{
#pragma GCC unroll 4
    for (int k = 0; k < fours; k++) {
        x[k] = ec_neon_rshift(vqrdmulhq_s32(vshlq_s32(x[k], s.left), s.multiplier), s.right);
    }
}

/* Row y of row a and row b. */
EC_INLINE void ec_neon_binary_row(const ec_binary *params, const void *op_params, ec_neon_op *op, const void *a,
                                  const void *b, void *y)
{
    const ec_binary p = *params; /* a store of a result could change them in memory */
    ec_neon_sink to = {(int8_t *)y, p.y_wide, p.lo, p.hi};
    int32_t from_a = 0;
    int32_t from_b = 0;

    for (int32_t done = 0; done < p.row_size; done += p.inner, from_a += p.a_outer, from_b += p.b_outer) {
        ec_neon_stream sa = ec_neon_stream_of(ec_binary_moved(a, p.a_wide, from_a), p.a_wide, p.a_inner, p.a_zero);
        ec_neon_stream sb = ec_neon_stream_of(ec_binary_moved(b, p.b_wide, from_b), p.b_wide, p.b_inner, p.b_zero);
        int32x4_t x[4];
        int32x4_t z[4];
        int32_t n = p.inner;
        for (; n >= 16; n -= 16) {
            ec_neon_take(&sa, x, 4);
            ec_neon_take(&sb, z, 4);
            op(op_params, x, z, 4);
            ec_neon_put(&to, x, 4);
        }
        if (n >= 8) {
            ec_neon_take(&sa, x, 2);
            ec_neon_take(&sb, z, 2);
            op(op_params, x, z, 2);
            ec_neon_put(&to, x, 2);
            n -= 8;
        }
        if (n > 0) {
            int32_t xs[8] = {0};
            int32_t zs[8] = {0};
            ec_load(xs, sa.at, p.a_wide, 0, p.a_inner, n, p.a_zero);
            ec_load(zs, sb.at, p.b_wide, 0, p.b_inner, n, p.b_zero);
            x[0] = vld1q_s32(xs);
            x[1] = vld1q_s32(xs + 4);
            z[0] = vld1q_s32(zs);
            z[1] = vld1q_s32(zs + 4);
            op(op_params, x, z, 2);
            vst1q_s32(xs, x[0]);
            vst1q_s32(xs + 4, x[1]);
            ec_store(to.at, p.y_wide, 0, xs, n, p.lo, p.hi);
            to.at += p.y_wide ? 2 * n : n;
        }
    }
}

/* Rows first .. last - 1; p: as for ec_binary_run. */
EC_INLINE void ec_neon_binary_run(const ec_binary *p, const void *op_params, ec_neon_op *op, const ec_window *in,
                                  const ec_window *out, int32_t first, int32_t last)
{
    const ec_binary_windows w = ec_binary_windows_of(p, in);

    for (int32_t row = first; row < last; row++) {
        ec_neon_binary_row(p, op_params, op, ec_binary_a(p, w.a, row), ec_binary_b(p, w.b, row), ec_row(out, row));
    }
}
#endif

#endif
