/* Threads for one model: the rows of each layer are shared out among them.
 *
 *     model_pool *pool = model_pool_start(4);
 *     ... write the input, model_run_threads(&ctx, pool), read the output ...
 *     model_pool_stop(pool);
 *
 * Outputs are the same for every number of threads. A pool runs one inference at a time; several pools may be
 * at work with a context each. Needs POSIX threads.
 */
#ifndef THREADS_H
#define THREADS_H

#include "model.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct model_pool model_pool;

/* A pool of `threads` threads, the caller's included; NULL where there is no memory or no thread for it. */
model_pool *model_pool_start(int32_t threads);

void model_pool_stop(model_pool *pool);

/* One inference, as model_run(). */
void model_run_threads(model_ctx *ctx, model_pool *pool);

#ifdef __cplusplus
}
#endif

#endif
