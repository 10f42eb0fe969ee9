/* Runs inferences with every number of threads and compares their outputs with those of one: the status is the
 * number of threads that differed, 0 for none. Every inference has its own inputs.
 */
#include <string.h>

#include "threads.h"

static model_ctx one;
static model_ctx many;

static void fill(model_ctx *ctx, uint32_t seed)
{
    for (int32_t k = 0; k < MODEL_INPUTS; k++) {
        for (uint32_t i = 0; i < model_inputs[k].bytes; i++) {
            seed = seed * 1664525u + 1013904223u;
            ctx->arena[model_inputs[k].address + i] = (uint8_t)(seed >> 24);
        }
    }
}

static int same(void)
{
    for (int32_t k = 0; k < MODEL_OUTPUTS; k++) {
        const model_span o = model_outputs[k];
        if (memcmp(one.arena + o.address, many.arena + o.address, o.bytes) != 0) {
            return 0;
        }
    }
    return 1;
}

int main(void)
{
    for (int32_t threads = 1; threads <= 5; threads++) {
        model_pool *pool = model_pool_start(threads);
        if (pool == NULL) {
            return 100;
        }
        for (uint32_t seed = 0; seed < 6; seed++) {
            fill(&one, seed);
            fill(&many, seed);
            model_run(&one);
            model_run_threads(&many, pool);
            if (!same()) {
                return threads;
            }
        }
        model_pool_stop(pool);
    }
    return model_pool_start(0) == NULL ? 0 : 101;
}
