/* attention, compiled for stm32f746 by edgec 0.1.0; do not edit.
 *
 * Place one model_ctx anywhere in SRAM, write the input, call model_run(), read the output.
 * An input is overwritten by the run: write it again before the next one.
 * All state is in the context; several contexts may run at the same time.
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

#define MODEL_NAME "attention"
#define MODEL_HASH "4fa4eb70032e9649"
#define MODEL_TARGET "stm32f746"
#define MODEL_VERSION "0.1.0"
#define MODEL_ARENA_BYTES 216
#define MODEL_INPUTS 1
#define MODEL_INPUT_BYTES 40
#define MODEL_OUTPUTS 1
#define MODEL_OUTPUT_BYTES 40
#define MODEL_LAYERS 6

/* How far an inference has come. */
#define MODEL_MORE 1
#define MODEL_READY 2

/* A place in the table of steps. */
typedef struct {
    uint32_t stretch;
    uint32_t turn;
    uint32_t at;
} model_place;

/* All but the arena is the library's own. */
typedef struct {
    MODEL_ALIGN uint8_t arena[MODEL_ARENA_BYTES];
    uint16_t row[4];
    model_place place;
} model_ctx;

/* Where a tensor lies in the arena. */
typedef struct {
    uint32_t address;
    uint32_t bytes;
} model_span;

extern const model_span model_inputs[MODEL_INPUTS];
extern const model_span model_outputs[MODEL_OUTPUTS];

/* input tokens: int8_t 1x5x8, real = 0.04 * (q - -2) */
static inline int8_t *model_input(model_ctx *ctx)
{
    return (int8_t *)(void *)(ctx->arena + 48);
}

/* output act: int8_t 1x5x8, real = 0.05 * (q - -120) */
static inline const int8_t *model_output(const model_ctx *ctx)
{
    return (const int8_t *)(const void *)(ctx->arena + 48);
}

/* One inference: every layer in order. */
void model_run(model_ctx *ctx);

/* For tests: one step of the plan. */
typedef struct {
    int32_t layer; /* MODEL_LAYERS + k: rows of input k have to be in its window now */
    int32_t first;
    int32_t last;  /* the rows computed: first .. last-1 */
} model_block;

void model_rewind(model_ctx *ctx);

/* Performs the next step from model_rewind() on, and says which. MODEL_READY: there was none left. */
int32_t model_step(model_ctx *ctx, model_block *done);

#ifdef __cplusplus
}
#endif

#endif
