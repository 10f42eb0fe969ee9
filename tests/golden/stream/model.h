/* stream, compiled for stm32f746 by edgec 0.1.0; do not edit.
 *
 * The input comes in rows, as a camera or a microphone gives them; it is never whole in memory.
 * Place one model_ctx anywhere in SRAM. For each inference call model_begin(), then
 * model_feed() with the next rows until it returns MODEL_READY, then model_result().
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

#define MODEL_NAME "stream"
#define MODEL_HASH "6732baad4bd070dc"
#define MODEL_TARGET "stm32f746"
#define MODEL_VERSION "0.1.0"
#define MODEL_ARENA_BYTES 228
#define MODEL_INPUTS 1
#define MODEL_INPUT_BYTES 90
#define MODEL_OUTPUTS 1
#define MODEL_OUTPUT_BYTES 45
#define MODEL_LAYERS 2

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
    uint16_t row[2];
    model_place place;
    uint16_t fed[MODEL_INPUTS];
    uint16_t wanted;
    uint16_t due;
    uint8_t state;
} model_ctx;

/* Where a tensor lies in the arena. */
typedef struct {
    uint32_t address;
    uint32_t bytes;
} model_span;

/* Input rows come one by one: model_begin(), model_feed() and so on. */
#define MODEL_STREAM 1

#define MODEL_ERROR_BEGIN (-1) /* model_begin() was not called */
#define MODEL_ERROR_END (-2)   /* the inference is ready: it takes no more rows */
#define MODEL_ERROR_ROWS (-3)  /* more rows than model_room() */
#define MODEL_ERROR_SIZE (-4)  /* no whole number of rows, or a null pointer */
#define MODEL_ERROR_ORDER (-5) /* another input's rows come first: model_wants() */
#define MODEL_ERROR_EARLY (-6) /* the result is not ready */

/* The rows of an input: row i goes to address + i % capacity * pitch of the arena. */
typedef struct {
    uint32_t address;
    uint32_t pitch;
    uint32_t capacity;
    uint32_t rows;
    uint32_t row_bytes;
} model_stream;

extern const model_stream model_inputs[MODEL_INPUTS];
extern const model_span model_outputs[MODEL_OUTPUTS];

/* Begins an inference, whatever came before. MODEL_MORE, or MODEL_READY for a model that needs no input. */
int32_t model_begin(model_ctx *ctx);

/* For model_wants(): the input's number. */
#define MODEL_FEED_IMAGE 0
#define MODEL_FEED_IMAGE_ROWS 9
#define MODEL_FEED_IMAGE_ROW_BYTES 10

/* The next rows of input image: int8_t 1x9x5x2 NHWC, real = 0.05 * (q - 3)
 *
 * `bytes` is any whole number of rows up to model_room(); they are copied and need not stay. All that
 * can be computed from them is computed before it returns MODEL_MORE, or MODEL_READY after the last
 * row. An error code, negative: nothing was taken, and the inference goes on where it was. */
int32_t model_feed(model_ctx *ctx, const void *rows, uint32_t bytes);

/* The input whose rows come next, MODEL_FEED_...; an error code where none is wanted. */
static inline int32_t model_wants(const model_ctx *ctx)
{
    if (ctx->state != MODEL_MORE) {
        return ctx->state == MODEL_READY ? MODEL_ERROR_END : MODEL_ERROR_BEGIN;
    }
    return (int32_t)ctx->wanted;
}

/* Rows that may be fed now: until another input's rows come, or to the end. */
uint32_t model_room(const model_ctx *ctx);

/* Without a copy: where the next row of the input that model_wants() goes, NULL where none does. Have the
 * row written there, by DMA or otherwise, then call model_advance(), which answers as feeding does. */
void *model_next_row(model_ctx *ctx);
int32_t model_advance(model_ctx *ctx);

/* output b: int8_t 1x5x3x3 NHWC, real = 0.3 * (q - 5)
 *
 * MODEL_READY: *result points to it, and it stays until model_begin(). Else MODEL_ERROR_EARLY and NULL. */
static inline int32_t model_result(const model_ctx *ctx, const int8_t **result)
{
    const void *at = ctx->state == MODEL_READY ? ctx->arena + 96 : (const uint8_t *)0;

    *result = (const int8_t *)at;
    return at ? MODEL_READY : MODEL_ERROR_EARLY;
}

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
