#include "ec_depthwise_conv2d_s8_dsp.h"

#include "ec_dsp_assembly.h"
#include "ec_dsp_requant.h"

/* What a pixel's products need; taps holds their addresses, `pairs` times two and `odd` one more. */
typedef struct {
    const int8_t *const *taps;
    const uint32_t *weights;
    const int32_t *finish;
    int32_t channels;
    int32_t pairs;
    int32_t odd;
    int32_t lo;
    int32_t hi;
    int32_t clamped; /* whether lo and hi are not those of the type */
} products;

#ifdef EC_DSP_ASSEMBLY

/* Two taps of four channels. r0: addresses of taps. r1: weights. r12: channel. r8 to r11: sums. */
#define TWO_TAPS                  \
    "ldrd r2, r3, [r0], #8\n"     \
    "ldr r2, [r2, r12]\n"         \
    "ldr r3, [r3, r12]\n"         \
    "ldmia r1!, {r4-r7}\n"        \
    "pkhbt lr, r2, r3, lsl #16\n" \
    "pkhtb r2, r3, r2, asr #16\n" \
    "sxtb16 r3, lr\n"             \
    "sxtb16 lr, lr, ror #8\n"     \
    "smlad r8, r3, r4, r8\n"      \
    "smlad r9, lr, r5, r9\n"      \
    "sxtb16 r3, r2\n"             \
    "sxtb16 r2, r2, ror #8\n"     \
    "smlad r10, r3, r6, r10\n"    \
    "smlad r11, r2, r7, r11\n"

#define ONE_TAP                 \
    "ldr r2, [r0]\n"            \
    "ldr r2, [r2, r12]\n"       \
    "ldrd r4, r5, [r1], #8\n"   \
    "sxtb16 r3, r2\n"           \
    "sxtb16 r2, r2, ror #8\n"   \
    "smlabb r8, r3, r4, r8\n"   \
    "smlabb r9, r2, r5, r9\n"   \
    "smlatt r10, r3, r4, r10\n" \
    "smlatt r11, r2, r5, r11\n"

/* y = all channels of a pixel. Stack: 0 taps, 4 y, 8 finish, 12 channels, 16 pairs, 20 odd, 24 lo, 28 hi, 32 clamped. */
EC_NAKED void pixel(EC_IN(const products *, p), EC_IN(int8_t *, y))
{
    __asm__ volatile("push {r4-r11, lr}\n"
                     "sub sp, sp, #36\n"
                     "ldm r0, {r2-r10}\n"
                     "strd r2, r1, [sp]\n"
                     "add r11, sp, #8\n"
                     "stm r11, {r4-r10}\n"
                     "mov r1, r3\n"
                     "mov r12, #0\n"
                     "1: ldr r0, [sp]\n"
                     "mov r8, #0\n"
                     "mov r9, #0\n"
                     "mov r10, #0\n"
                     "mov r11, #0\n"
                     "ldr r2, [sp, #16]\n"
                     "cmp r2, #4\n"
                     "bne 2f\n" TWO_TAPS TWO_TAPS TWO_TAPS TWO_TAPS
                     "b 4f\n"
                     "2: cbz r2, 4f\n"
                     "3: sub r2, r2, #1\n"
                     "str r2, [sp, #-4]!\n" TWO_TAPS
                     "ldr r2, [sp], #4\n"
                     "cmp r2, #0\n"
                     "bne 3b\n"
                     "4: ldr r2, [sp, #20]\n"
                     "cbz r2, 5f\n" ONE_TAP
                     "5: ldr r0, [sp, #8]\n"
                     "ldmia r0!, {r2-r5}\n"
                     "add r8, r2, r8, lsl #1\n"
                     "add r9, r3, r9, lsl #1\n"
                     "add r10, r4, r10, lsl #1\n"
                     "add r11, r5, r11, lsl #1\n"
                     "ldmia r0!, {r2-r7}\n" EC_HIGH("r2", "r8", "r2", "r6") EC_HIGH("r3", "r9", "r3", "r7")
                     "ldrd r6, r7, [r0], #8\n" EC_AWAY("r2", "r8") EC_AWAY("r3", "r9")
                         EC_HIGH("r4", "r10", "r4", "r6") EC_HIGH("r5", "r11", "r5", "r7")
                     "ldm r0!, {r6-r9}\n" EC_AWAY("r4", "r10") EC_AWAY("r5", "r11")
                     "str r0, [sp, #8]\n" EC_SHIFT("r2", "r6") EC_SHIFT("r3", "r7") EC_SHIFT("r4", "r8")
                         EC_SHIFT("r5", "r9") EC_HALVE("r8", "r2", "8") EC_HALVE("r9", "r3", "8")
                             EC_HALVE("r10", "r4", "8") EC_HALVE("r11", "r5", "8")
                     "ldr r4, [sp, #32]\n"
                     "cbz r4, 6f\n"
                     "ldrd r2, r3, [sp, #24]\n" EC_CLAMP_TO("r8", "r2", "r3") EC_CLAMP_TO("r9", "r2", "r3")
                         EC_CLAMP_TO("r10", "r2", "r3") EC_CLAMP_TO("r11", "r2", "r3")
                     "6: ldr r0, [sp, #4]\n"
                     "ldr r2, [sp, #12]\n"
                     "add r12, r12, #4\n"
                     "strb r8, [r0]\n"
                     "strb r9, [r0, #1]\n"
                     "strb r10, [r0, #2]\n"
                     "strb r11, [r0, #3]\n"
                     "add r0, r0, #4\n"
                     "str r0, [sp, #4]\n"
                     "cmp r12, r2\n"
                     "bne 1b\n"
                     "add sp, sp, #36\n"
                     "pop {r4-r11, pc}\n");
}

#else

static void pixel(const products *p, int8_t *y)
{
    const uint32_t *w = p->weights;
    const int32_t *f = p->finish;

    for (int32_t c = 0; c < p->channels; c += 4, f += 16) {
        const int8_t *const *t = p->taps;
        int32_t acc[4] = {0, 0, 0, 0};

        for (int32_t k = 0; k < p->pairs; k++, t += 2, w += 4) {
            const uint32_t a = ec_word(t[0] + c);
            const uint32_t b = ec_word(t[1] + c);
            const uint32_t low = (a & 0xFFFFu) | b << 16;
            const uint32_t high = (b & 0xFFFF0000u) | a >> 16;
            acc[0] = ec_smlad(ec_sxtb16(low), w[0], acc[0]);
            acc[1] = ec_smlad(ec_sxtb16(ec_ror(low, 8)), w[1], acc[1]);
            acc[2] = ec_smlad(ec_sxtb16(high), w[2], acc[2]);
            acc[3] = ec_smlad(ec_sxtb16(ec_ror(high, 8)), w[3], acc[3]);
        }
        if (p->odd) {
            const uint32_t a = ec_word(t[0] + c);
            acc[0] = ec_smlabb(ec_sxtb16(a), w[0], acc[0]);
            acc[1] = ec_smlabb(ec_sxtb16(ec_ror(a, 8)), w[1], acc[1]);
            acc[2] = ec_smlatt(ec_sxtb16(a), w[0], acc[2]);
            acc[3] = ec_smlatt(ec_sxtb16(ec_ror(a, 8)), w[1], acc[3]);
            w += 2;
        }
        for (int32_t k = 0; k < 4; k++) {
            const int32_t twice = (int32_t)((uint32_t)acc[k] << 1) + f[k];
            y[c + k] = (int8_t)ec_clamp(ec_finish(twice, f[4 + k], f[8 + k], f[12 + k]), p->lo, p->hi);
        }
    }
}

#endif

/* The addresses of a pixel's taps; `zeros` of those outside the image. */
static void find_taps(const ec_depthwise_conv2d_s8_dsp_params *p, const int8_t *const *rows, int32_t x0,
                      const int8_t *zeros, const int8_t **tap)
{
    for (int32_t i = 0; i < p->kernel_h; i++) {
        for (int32_t j = 0; j < p->kernel_w; j++) {
            const int32_t x = x0 + j * p->dilation_w;
            *tap++ = rows[i] != NULL && x >= 0 && x < p->width ? rows[i] + x * p->channels : zeros;
        }
    }
}

/* The same from those of the pixel before; columns of neither are outside the image. */
static void move_taps(const int8_t **taps, int32_t n, int32_t step, const int8_t *zeros)
{
    EC_NO_UNROLL
    for (const int8_t **end = taps + n; taps < end; taps++) {
        *taps += *taps != zeros ? step : 0;
    }
}

void ec_depthwise_conv2d_s8_dsp(const ec_depthwise_conv2d_s8_dsp_params *p, const ec_window *in,
                                const ec_window *out, int32_t first, int32_t last, void *scratch)
{
    const int32_t n = p->kernel_h * p->kernel_w;
    const int32_t extent = (p->kernel_w - 1) * p->dilation_w;
    const int8_t **taps = (const int8_t **)scratch;
    const int8_t **rows = taps + n;
    int8_t *zeros = (int8_t *)(rows + p->kernel_h);
    const int clamped = p->lo > INT8_MIN || p->hi < INT8_MAX;
    const products all = {taps, p->weights, p->finish, p->channels, n / 2, n & 1, p->lo, p->hi, clamped};

    memset(zeros, p->input_zero, (size_t)p->channels);
    for (int32_t row = first; row < last; row++) {
        const int32_t top = row / p->out_height * p->height;
        const int32_t y0 = row % p->out_height * p->stride_h - p->pad_top;
        int32_t known = 0;
        int8_t *y = (int8_t *)ec_row(out, row);

        for (int32_t i = 0; i < p->kernel_h; i++) {
            const int32_t iy = y0 + i * p->dilation_h;
            rows[i] = iy >= 0 && iy < p->height ? ec_row_s8(in, top + iy) : NULL;
        }
        for (int32_t ox = 0; ox < p->out_width; ox++, y += p->channels) {
            const int32_t x0 = ox * p->stride_w - p->pad_left;
            const int inside = x0 >= 0 && x0 + extent < p->width;

            if (inside && known) {
                move_taps(taps, n, p->stride_w * p->channels, zeros);
            } else {
                find_taps(p, rows, x0, zeros, taps);
            }
            known = inside;
            pixel(&all, y);
        }
    }
}
