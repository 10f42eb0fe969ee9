#include "ec_depthwise_conv2d_s8_dsp.h"

#include "ec_dsp_requant.h"

/* What a pixel's products need; taps holds their addresses, `pairs` times two and `odd` one more. */
typedef struct {
    const int8_t *const *taps;
    const uint32_t *weights;
    const int32_t *finish;
    int32_t channels;
    int32_t pairs;
    int32_t odd;
    int32_t offset;
    int32_t lo;
    int32_t hi;
} products;

#if defined(__ARM_FEATURE_DSP) && defined(__thumb2__)

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

/* y = all channels of a pixel. Stack: 0 taps, 4 y, 8 finish, 12 channels, 16 pairs, 20 odd, 24 offset, 28 lo, 32 hi. */
__attribute__((naked, noinline)) static void pixel(__attribute__((unused)) const products *p,
                                                   __attribute__((unused)) int8_t *y)
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
                     "ldmia r0!, {r2-r5}\n"
                     "smmulr r8, r8, r2\n"
                     "smmulr r9, r9, r3\n"
                     "smmulr r10, r10, r4\n"
                     "smmulr r11, r11, r5\n"
                     "ldmia r0!, {r2-r5}\n"
                     "str r0, [sp, #8]\n"
                     "add r8, r8, r8, asr #31\n"
                     "add r9, r9, r9, asr #31\n"
                     "add r10, r10, r10, asr #31\n"
                     "add r11, r11, r11, asr #31\n"
                     "ldr r0, [sp, #24]\n"
                     "asr r8, r8, r2\n"
                     "asr r9, r9, r3\n"
                     "asr r10, r10, r4\n"
                     "asr r11, r11, r5\n"
                     "add r8, r8, r0\n"
                     "add r9, r9, r0\n"
                     "add r10, r10, r0\n"
                     "add r11, r11, r0\n"
                     "ldrd r2, r3, [sp, #28]\n"
                     "ssat r8, #8, r8, asr #1\n"
                     "ssat r9, #8, r9, asr #1\n"
                     "ssat r10, #8, r10, asr #1\n"
                     "ssat r11, #8, r11, asr #1\n"
                     "sub r4, r3, r2\n"
                     "cmp r4, #255\n"
                     "beq 6f\n"
                     "cmp r8, r2\nit lt\nmovlt r8, r2\ncmp r8, r3\nit gt\nmovgt r8, r3\n"
                     "cmp r9, r2\nit lt\nmovlt r9, r2\ncmp r9, r3\nit gt\nmovgt r9, r3\n"
                     "cmp r10, r2\nit lt\nmovlt r10, r2\ncmp r10, r3\nit gt\nmovgt r10, r3\n"
                     "cmp r11, r2\nit lt\nmovlt r11, r2\ncmp r11, r3\nit gt\nmovgt r11, r3\n"
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

    for (int32_t c = 0; c < p->channels; c += 4, f += 12) {
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
            int32_t x = ec_smmulr((int32_t)((uint32_t)acc[k] << 1) + f[k], f[4 + k]);
            x = (x + (x >> 31)) >> f[8 + k];
            y[c + k] = (int8_t)ec_clamp((x + p->offset) >> 1, p->lo, p->hi);
        }
    }
}

#endif

void ec_depthwise_conv2d_s8_dsp(const ec_depthwise_conv2d_s8_dsp_params *p, const ec_window *in,
                                const ec_window *out, int32_t first, int32_t last, void *scratch)
{
    const int32_t n = p->kernel_h * p->kernel_w;
    const int8_t **taps = (const int8_t **)scratch;
    int8_t *zeros = (int8_t *)scratch + 8 * n;
    const products all = {taps, p->weights, p->finish, p->channels, n / 2, n & 1, p->offset, p->lo, p->hi};

    memset(zeros, p->input_zero, (size_t)p->channels);
    for (int32_t row = first; row < last; row++) {
        const int32_t top = row / p->out_height * p->height;
        const int32_t y0 = row % p->out_height * p->stride_h - p->pad_top;
        int8_t *y = (int8_t *)ec_row(out, row);

        for (int32_t ox = 0; ox < p->out_width; ox++, y += p->channels) {
            const int32_t x0 = ox * p->stride_w - p->pad_left;
            const int8_t **tap = taps;

            for (int32_t i = 0; i < p->kernel_h; i++) {
                const int32_t iy = y0 + i * p->dilation_h;
                const int8_t *src = iy >= 0 && iy < p->height ? ec_row_s8(in, top + iy) : NULL;
                for (int32_t j = 0; j < p->kernel_w; j++) {
                    const int32_t ix = x0 + j * p->dilation_w;
                    *tap++ = src != NULL && ix >= 0 && ix < p->width ? src + ix * p->channels : zeros;
                }
            }
            pixel(&all, y);
        }
    }
}
