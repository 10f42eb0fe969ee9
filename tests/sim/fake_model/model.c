#include "model.h"

#include <string.h>

#include "fault.h"
#include "kernel.h"

const model_span model_inputs[MODEL_INPUTS] = {{0, 900}, {1000, 100}};
const model_span model_outputs[MODEL_OUTPUTS] = {{3000, 40}};

void model_layer_000_stem_scale(uint8_t *arena, int32_t first, int32_t last);
void model_layer_001_body_copy(uint8_t *arena, int32_t first, int32_t last);
void model_layer_002_head_sum(uint8_t *arena, int32_t first, int32_t last);

/* 900 bytes at 0 to 900 at 2000: weighted. */
__attribute__((noinline)) void model_layer_000_stem_scale(uint8_t *arena, int32_t first, int32_t last)
{
    kernel_scale((const int8_t *)arena, (int8_t *)(arena + 2000), first, last);
}

/* 100 bytes at 1000 over 100 of those at 2000. */
__attribute__((noinline)) void model_layer_001_body_copy(uint8_t *arena, int32_t first, int32_t last)
{
    for (int32_t i = first; i < last; i++) {
        memcpy(arena + 2000 + 10 * i, arena + 1000 + 10 * i, 10);
    }
    fault(arena);
}

/* 10 sums of 90, divided, as int32 at 3000. */
__attribute__((noinline)) void model_layer_002_head_sum(uint8_t *arena, int32_t first, int32_t last)
{
    kernel_sum((const int8_t *)(arena + 2000), arena + 3000, first, last);
}

#ifdef MODEL_BEFORE
void MODEL_BEFORE(void);
#else
#define MODEL_BEFORE() ((void)0)
#endif

static void model_perform(uint8_t *arena, const model_block *b)
{
    switch (b->layer) {
    case 0:
        model_layer_000_stem_scale(arena, b->first, b->last);
        break;
    case 1:
        model_layer_001_body_copy(arena, b->first, b->last);
        break;
    default:
        model_layer_002_head_sum(arena, b->first, b->last);
        break;
    }
}

static const model_block steps[4] = {{0, 0, 500}, {0, 500, 900}, {1, 0, 10}, {2, 0, 10}};

void model_run(model_ctx *ctx)
{
    MODEL_BEFORE();
    model_layer_000_stem_scale(ctx->arena, 0, 900);
    MODEL_BEFORE();
    model_layer_001_body_copy(ctx->arena, 0, 10);
    MODEL_BEFORE();
    model_layer_002_head_sum(ctx->arena, 0, 10);
}

void model_rewind(model_ctx *ctx) { ctx->place = 0; }

int32_t model_step(model_ctx *ctx, model_block *done)
{
    if (ctx->place == 4) {
        return MODEL_READY;
    }
    *done = steps[ctx->place++];
    model_perform(ctx->arena, done);
    return MODEL_MORE;
}
