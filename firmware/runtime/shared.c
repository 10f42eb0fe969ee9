/* The entries of a shared library, for programs that cannot include model.h: Python by ctypes, and others by
 * their own means. Nothing else is visible.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "model.h"
#ifdef MODEL_SPLIT
#include "threads.h"
#endif

#define EXPORT __attribute__((visibility("default")))

/* Bytes of a context; it begins at a multiple of 16. */
EXPORT uint32_t edgec_context_bytes(void);

/* So many threads for edgec_infer(), until edgec_threads_stop(); NULL where there are none. */
EXPORT void *edgec_threads_start(int32_t threads);
EXPORT void edgec_threads_stop(void *threads);

/* One inference. inputs, outputs: all of them, one after the other. threads: NULL for the caller's alone. */
EXPORT void edgec_infer(void *context, const uint8_t *inputs, uint8_t *outputs, void *threads);

uint32_t edgec_context_bytes(void) { return (uint32_t)sizeof(model_ctx); }

#ifdef MODEL_SPLIT
void *edgec_threads_start(int32_t threads) { return model_pool_start(threads); }

void edgec_threads_stop(void *threads) { model_pool_stop((model_pool *)threads); }
#else
void *edgec_threads_start(int32_t threads)
{
    (void)threads;
    return NULL;
}

void edgec_threads_stop(void *threads) { (void)threads; }
#endif

#ifdef MODEL_STREAM
static void infer(model_ctx *ctx, const uint8_t *inputs, void *threads)
{
    const uint8_t *next[MODEL_INPUTS];
    int32_t state = model_begin(ctx);

    (void)threads;
    for (uint32_t i = 0; i < MODEL_INPUTS; i++) {
        next[i] = inputs;
        inputs += model_inputs[i].rows * model_inputs[i].row_bytes;
    }
    while (state == MODEL_MORE) {
        const int32_t input = model_wants(ctx);
        const uint32_t bytes = model_inputs[input].row_bytes;

        memcpy(model_next_row(ctx), next[input], bytes);
        next[input] += bytes;
        state = model_advance(ctx);
    }
}
#else
static void infer(model_ctx *ctx, const uint8_t *inputs, void *threads)
{
    for (uint32_t i = 0; i < MODEL_INPUTS; i++) {
        memcpy(ctx->arena + model_inputs[i].address, inputs, model_inputs[i].bytes);
        inputs += model_inputs[i].bytes;
    }
#ifdef MODEL_SPLIT
    if (threads != NULL) {
        model_run_threads(ctx, (model_pool *)threads);
        return;
    }
#endif
    (void)threads;
    model_run(ctx);
}
#endif

void edgec_infer(void *context, const uint8_t *inputs, uint8_t *outputs, void *threads)
{
    model_ctx *ctx = (model_ctx *)context;

    infer(ctx, inputs, threads);
    for (uint32_t i = 0; i < MODEL_OUTPUTS; i++) {
        memcpy(outputs, ctx->arena + model_outputs[i].address, model_outputs[i].bytes);
        outputs += model_outputs[i].bytes;
    }
}
