/* A small model written by hand, in the form in which the library of a build comes. */
#ifndef MODEL_H
#define MODEL_H

#include <stdint.h>

#define MODEL_HASH "0123456789abcdef"
#define MODEL_TARGET "fake"
#define MODEL_VERSION "0"
#define MODEL_ARENA_BYTES 4000
#define MODEL_INPUTS 2
#define MODEL_INPUT_BYTES 1000
#define MODEL_OUTPUTS 1
#define MODEL_OUTPUT_BYTES 40
#define MODEL_LAYERS 3

#define MODEL_MORE 1
#define MODEL_READY 2

typedef struct {
    _Alignas(16) uint8_t arena[MODEL_ARENA_BYTES];
    int32_t place;
} model_ctx;

typedef struct {
    uint32_t address;
    uint32_t bytes;
} model_span;

extern const model_span model_inputs[MODEL_INPUTS];
extern const model_span model_outputs[MODEL_OUTPUTS];

void model_run(model_ctx *ctx);

typedef struct {
    int32_t layer;
    int32_t first;
    int32_t last;
} model_block;

void model_rewind(model_ctx *ctx);
int32_t model_step(model_ctx *ctx, model_block *done);

#endif
