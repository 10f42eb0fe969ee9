/* Vectors times a packed weight matrix with requantization: what linear and convolution end in on AArch64.
 *
 * The file that includes this defines EC_GEMM_DEPTH, 4 or 16 (4 without): how many inputs of an output lie side by side.
 * weights [outputs / 4][inputs / depth][4][depth]: SDOT takes 4 outputs times 4 inputs at once, and without it
 * products of 16 inputs are added up in pairs, for which no weight is -128. The number of inputs is rounded up
 * to 16 and that of outputs to 4, weights, bias and multipliers being 0 there.
 */
#ifndef EC_GEMM_H
#define EC_GEMM_H

#include "ec_neon.h"

#ifndef EC_GEMM_DEPTH
#define EC_GEMM_DEPTH 4
#endif

enum { EC_TILE = 8 }; /* vectors that are taken at once */

#if EC_GEMM_DEPTH == 4 && defined(EC_HAVE_SDOT)
#define EC_GEMM_SDOT 1
#elif EC_GEMM_DEPTH == 16 && defined(EC_HAVE_NEON)
#define EC_GEMM_PAIRS 1
#endif

typedef struct {
    int32_t inputs;
    int32_t outputs;
    int32_t wide; /* whether results are int16 */
    int32_t zero;
    int32_t lo;
    int32_t hi;
    const int8_t *weights;
    const int32_t *bias;
    const int32_t *multiplier;
    const int32_t *shift;
} ec_gemm;

#if defined(EC_GEMM_SDOT) || defined(EC_GEMM_PAIRS)
/* Requantizes and stores the sums of `blocks` times 4 outputs of n vectors. Where only `rows` of them are
 * wanted, the last one's sums were made several times, and are stored as often. */
EC_INLINE void ec_gemm_finish(const ec_gemm *m, int32_t o, int32x4_t acc[][2], int n, int blocks, int32_t rows,
                              uint8_t *y, int32_t pitch)
{
    const int32x4_t zero = vdupq_n_s32(m->zero);
    const int second = blocks == 2 ? o + 4 : o;
    const int32x4_t ma = vld1q_s32(m->multiplier + o);
    const int32x4_t mb = vld1q_s32(m->multiplier + second);
    const int32x4_t sa = vld1q_s32(m->shift + o);
    const int32x4_t sb = vld1q_s32(m->shift + second);
    const int32_t count = ec_min(m->outputs - o, 4 * blocks);
    int16x8_t v[EC_TILE];
    int16_t all[8];

#pragma GCC unroll 8
    for (int i = 0; i < n; i++) {
        const int32x4_t a = vaddq_s32(ec_neon_requant(acc[i][0], ma, sa), zero);
        const int32x4_t b = blocks == 2 ? vaddq_s32(ec_neon_requant(acc[i][1], mb, sb), zero) : a;
        v[i] = vcombine_s16(vqmovn_s32(a), vqmovn_s32(b));
    }
    if (!m->wide && count == 4 * blocks) {
        const int8x8_t lo = vdup_n_s8((int8_t)m->lo);
        const int8x8_t hi = vdup_n_s8((int8_t)m->hi);
        y += o;
#pragma GCC unroll 8
        for (int i = 0; i < n; i++) {
            const int8x8_t narrow = vmin_s8(vmax_s8(vqmovn_s16(v[i]), lo), hi);
            if (blocks == 2) {
                vst1_s8((int8_t *)y, narrow);
            } else {
                const int32_t four = vget_lane_s32(vreinterpret_s32_s8(narrow), 0);
                memcpy(y, &four, 4);
            }
            y += i + 1 < rows ? pitch : 0;
        }
        return;
    }
#pragma GCC unroll 8
    for (int i = 0; i < n; i++) {
        v[i] = vmaxq_s16(v[i], vdupq_n_s16((int16_t)m->lo));
        vst1q_s16(all, vminq_s16(v[i], vdupq_n_s16((int16_t)m->hi)));
        if (m->wide) {
            memcpy(y + 2 * o, all, 2 * (size_t)count);
        } else {
            for (int32_t k = 0; k < count; k++) {
                ((int8_t *)y)[o + k] = (int8_t)all[k];
            }
        }
        y += i + 1 < rows ? pitch : 0;
    }
}

#ifdef EC_GEMM_SDOT
#define EC_STEP(j)                                                      \
    {                                                                   \
        const int8x16_t wa = vld1q_s8(w + 16 * (j));                    \
        const int8x16_t wb = blocks == 2 ? vld1q_s8(w2 + 16 * (j)) : wa; \
        _Pragma("GCC unroll 8") for (int i = 0; i < n; i++)             \
        {                                                               \
            acc[i][0] = vdotq_laneq_s32(acc[i][0], wa, v[i], j);        \
            if (blocks == 2) {                                          \
                acc[i][1] = vdotq_laneq_s32(acc[i][1], wb, v[i], j);    \
            }                                                           \
        }                                                               \
    }

EC_INLINE void ec_gemm_sums(const ec_gemm *m, const int8_t *const *x, int32_t o, int32x4_t acc[][2], int n,
                            int blocks)
{
    const int8_t *w = m->weights + o * m->inputs;
    const int8_t *w2 = w + 4 * m->inputs;
    const int32x4_t first = vld1q_s32(m->bias + o);
    const int32x4_t second = blocks == 2 ? vld1q_s32(m->bias + o + 4) : first;

#pragma GCC unroll 8
    for (int i = 0; i < n; i++) {
        acc[i][0] = first;
        acc[i][1] = second;
    }
    for (int32_t k = 0; k < m->inputs; k += 16, w += 64, w2 += 64) {
        int8x16_t v[EC_TILE];
#pragma GCC unroll 8
        for (int i = 0; i < n; i++) {
            v[i] = vld1q_s8(x[i] + k);
        }
        EC_STEP(0)
        EC_STEP(1)
        EC_STEP(2)
        EC_STEP(3)
    }
}
enum { EC_BLOCKS = 2, EC_MOST = 8 };
#else
EC_INLINE void ec_gemm_sums(const ec_gemm *m, const int8_t *const *x, int32_t o, int32x4_t acc[][2], int n,
                            int blocks)
{
    const int8_t *w = m->weights + o * m->inputs;
    const int32x4_t bias = vld1q_s32(m->bias + o);
    int32x4_t sum[4][4];

    (void)blocks;
#pragma GCC unroll 4
    for (int i = 0; i < n; i++) {
#pragma GCC unroll 4
        for (int j = 0; j < 4; j++) {
            sum[i][j] = vdupq_n_s32(0);
        }
    }
    for (int32_t k = 0; k < m->inputs; k += 16, w += 64) {
        int8x16_t v[4];
#pragma GCC unroll 4
        for (int i = 0; i < n; i++) {
            v[i] = vld1q_s8(x[i] + k);
        }
#pragma GCC unroll 4
        for (int j = 0; j < 4; j++) {
            const int8x16_t u = vld1q_s8(w + 16 * j);
#pragma GCC unroll 4
            for (int i = 0; i < n; i++) {
                const int16x8_t pairs = vmlal_high_s8(vmull_s8(vget_low_s8(v[i]), vget_low_s8(u)), v[i], u);
                sum[i][j] = vpadalq_s16(sum[i][j], pairs);
            }
        }
    }
#pragma GCC unroll 4
    for (int i = 0; i < n; i++) {
        const int32x4_t even = vpaddq_s32(sum[i][0], sum[i][1]);
        acc[i][0] = vaddq_s32(bias, vpaddq_s32(even, vpaddq_s32(sum[i][2], sum[i][3])));
    }
}
enum { EC_BLOCKS = 1, EC_MOST = 4 };
#endif

/* A function of its own for every size: its loops are unrolled and its sums stay in registers. */
#define EC_GEMM_TILE(n, blocks)                                                                           \
    static __attribute__((noinline)) void ec_gemm_tile_##n##_##blocks(                                    \
        const ec_gemm *m, const int8_t *x, int32_t x_pitch, int32_t o, int32_t rows, uint8_t *y,          \
        int32_t y_pitch)                                                                                  \
    {                                                                                                     \
        const int8_t *at[n];                                                                              \
        int32x4_t acc[n][2];                                                                              \
        _Pragma("GCC unroll 8") for (int i = 0; i < n; i++)                                               \
        {                                                                                                 \
            at[i] = x;                                                                                    \
            x += i + 1 < rows ? x_pitch : 0;                                                              \
        }                                                                                                 \
        ec_gemm_sums(m, at, o, acc, n, blocks);                                                           \
        ec_gemm_finish(m, o, acc, n, blocks, rows, y, y_pitch);                                           \
    }

EC_GEMM_TILE(1, 1)
EC_GEMM_TILE(4, 1)
#ifdef EC_GEMM_SDOT
EC_GEMM_TILE(8, 1)
EC_GEMM_TILE(1, 2)
EC_GEMM_TILE(4, 2)
EC_GEMM_TILE(8, 2)
#endif
#else
enum { EC_BLOCKS = 1, EC_MOST = EC_TILE };

static inline int32_t ec_gemm_sum(const ec_gemm *m, const int8_t *x, int32_t o)
{
    const int8_t *w = m->weights + (o / 4 * m->inputs * 4) + o % 4 * EC_GEMM_DEPTH;
    int32_t acc = m->bias[o];

    for (int32_t k = 0; k < m->inputs; k += EC_GEMM_DEPTH, w += 4 * EC_GEMM_DEPTH) {
        for (int32_t i = 0; i < EC_GEMM_DEPTH; i++) {
            acc += x[k + i] * w[i];
        }
    }
    return acc;
}
#endif

/* Outputs o.. of a block, of up to EC_MOST vectors. */
static inline void ec_gemm_block(const ec_gemm *m, const int8_t *x, int32_t x_pitch, int32_t o, int32_t blocks,
                                 int32_t rows, uint8_t *y, int32_t y_pitch)
{
#if defined(EC_GEMM_SDOT)
    if (blocks == 2) {
        (rows > 4   ? ec_gemm_tile_8_2
         : rows > 1 ? ec_gemm_tile_4_2
                    : ec_gemm_tile_1_2)(m, x, x_pitch, o, rows, y, y_pitch);
    } else {
        (rows > 4   ? ec_gemm_tile_8_1
         : rows > 1 ? ec_gemm_tile_4_1
                    : ec_gemm_tile_1_1)(m, x, x_pitch, o, rows, y, y_pitch);
    }
#elif defined(EC_GEMM_PAIRS)
    (void)blocks;
    (rows > 1 ? ec_gemm_tile_4_1 : ec_gemm_tile_1_1)(m, x, x_pitch, o, rows, y, y_pitch);
#else
    (void)blocks;
    for (int32_t i = 0; i < rows; i++, x += x_pitch, y += y_pitch) {
        for (int32_t k = o; k < ec_min(o + 4, m->outputs); k++) {
            const int32_t q = ec_requant(ec_gemm_sum(m, x, k), m->multiplier[k], m->shift[k]);
            const int32_t v = ec_clamp(q + m->zero, m->lo, m->hi);
            if (m->wide) {
                ((int16_t *)(void *)y)[k] = (int16_t)v;
            } else {
                ((int8_t *)y)[k] = (int8_t)v;
            }
        }
    }
#endif
}

/* All outputs of `rows` vectors, whose bytes no result touches. Pitches in bytes. */
static inline void ec_gemm_run(const ec_gemm *m, const int8_t *x, int32_t x_pitch, int32_t rows, void *y,
                               int32_t y_pitch)
{
    for (int32_t i = 0; i < rows; i += EC_MOST) {
        const int32_t n = ec_min(EC_MOST, rows - i);
        for (int32_t o = 0; o < m->outputs;) {
            const int32_t blocks = EC_BLOCKS == 2 && m->outputs - o > 4 ? 2 : 1;
            ec_gemm_block(m, x + i * x_pitch, x_pitch, o, blocks, n, (uint8_t *)y + i * y_pitch, y_pitch);
            o += 4 * blocks;
        }
    }
}

/* Fills what lies behind `used` bytes in each of the tile's vectors. */
static inline void ec_gemm_clear(const ec_gemm *m, int8_t *tile, int32_t used)
{
    for (int32_t i = 0; used < m->inputs && i < EC_TILE; i++) {
        memset(tile + i * m->inputs + used, 0, (size_t)(m->inputs - used));
    }
}

#endif
