/* cnn, compiled for stm32f746 by edgec 0.1.0; do not edit.
 *
 * Place one model_ctx anywhere in SRAM, write the input, call model_run(), read the output.
 * An input is overwritten by the run: write it again before the next one. All state is
 * in the context; several contexts may run at the same time.
 */
#ifndef MODEL_H
#define MODEL_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#define MODEL_ALIGN alignas(16)
#else
#define MODEL_ALIGN _Alignas(16)
#endif

#define MODEL_NAME "cnn"
#define MODEL_HASH "b0a03a7b1390b18d"
#define MODEL_ARENA_BYTES 104
#define MODEL_INPUTS 1
#define MODEL_INPUT_BYTES 72
#define MODEL_OUTPUTS 1
#define MODEL_OUTPUT_BYTES 3
#define MODEL_LAYERS 5

typedef struct {
    MODEL_ALIGN uint8_t arena[MODEL_ARENA_BYTES];
} model_ctx;

/* Where a tensor lies in the arena. */
typedef struct {
    uint32_t address;
    uint32_t bytes;
} model_span;

extern const model_span model_inputs[MODEL_INPUTS];
extern const model_span model_outputs[MODEL_OUTPUTS];

/* input image: int8_t 1x6x6x2 NHWC, real = 0.05 * (q - 3) */
static inline int8_t *model_input(model_ctx *ctx)
{
    return (int8_t *)(void *)(ctx->arena + 32);
}

/* output logits: int8_t 1x3, real = 0.1 * (q - 1) */
static inline const int8_t *model_output(const model_ctx *ctx)
{
    return (const int8_t *)(const void *)(ctx->arena + 4);
}

/* One inference: every layer in order. */
void model_run(model_ctx *ctx);

/* One layer alone, whose operands lie in the arena; for tests. */
void model_layer(model_ctx *ctx, int32_t index);

#ifdef __cplusplus
}
#endif

#endif
