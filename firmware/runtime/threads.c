#include "threads.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

/* How often a thread looks for work, and the caller for the others' end, before it sleeps. */
#define LOOKS 2000

/* Blocks of rows begin at multiples of this: kernels take several rows in one pass over their weights. */
#define BLOCK 8

typedef struct {
    model_pool *pool;
    int32_t index;
    uint8_t *scratch;
    pthread_t thread;
} worker;

struct model_pool {
    pthread_mutex_t mutex;
    pthread_cond_t begun; /* there is work, or the end has come */
    pthread_cond_t done;  /* the last thread is done */
    atomic_int work;      /* counts the layers shared out; negative at the end */
    atomic_int busy;      /* threads that are not done with the last one */
    model_rows rows;      /* what is shared out */
    int32_t threads;
    int32_t started;
    worker *workers;
};

/* A thread's part of the rows that are shared out. */
static void compute_part(const worker *w)
{
    const model_pool *pool = w->pool;
    const int32_t threads = pool->threads;
    const int32_t count = pool->rows.last - pool->rows.first;
    const int32_t unit = count >= threads * BLOCK ? BLOCK : 1;
    const int32_t units = (count + unit - 1) / unit;
    const int32_t begin = (int32_t)((int64_t)units * w->index / threads) * unit;
    const int32_t end = (int32_t)((int64_t)units * (w->index + 1) / threads) * unit;
    model_rows part = pool->rows;

    part.first = pool->rows.first + begin;
    part.last = pool->rows.first + (end < count ? end : count);
    if (part.first < part.last) {
        model_compute(&part, w->scratch);
    }
}

/* Waits until the count of layers is another than `seen`; returns it. */
static int wait_for_work(model_pool *pool, int seen)
{
    int now = seen;

    for (int32_t k = 0; k < LOOKS && now == seen; k++) {
        now = atomic_load_explicit(&pool->work, memory_order_acquire);
    }
    if (now == seen) {
        pthread_mutex_lock(&pool->mutex);
        while ((now = atomic_load(&pool->work)) == seen) {
            pthread_cond_wait(&pool->begun, &pool->mutex);
        }
        pthread_mutex_unlock(&pool->mutex);
    }
    return now;
}

static void *work(void *argument)
{
    const worker *w = (const worker *)argument;
    model_pool *pool = w->pool;
    int seen = 0;

    while ((seen = wait_for_work(pool, seen)) >= 0) {
        compute_part(w);
        if (atomic_fetch_sub(&pool->busy, 1) == 1) {
            pthread_mutex_lock(&pool->mutex);
            pthread_cond_signal(&pool->done);
            pthread_mutex_unlock(&pool->mutex);
        }
    }
    return NULL;
}

/* Tells the threads of a new count. */
static void announce(model_pool *pool, int count)
{
    pthread_mutex_lock(&pool->mutex);
    atomic_store_explicit(&pool->work, count, memory_order_release);
    pthread_cond_broadcast(&pool->begun);
    pthread_mutex_unlock(&pool->mutex);
}

static void share_out(void *user, const model_rows *rows)
{
    model_pool *pool = (model_pool *)user;
    const int before = atomic_load(&pool->work);

    pool->rows = *rows;
    atomic_store(&pool->busy, pool->threads - 1);
    announce(pool, before == INT32_MAX ? 1 : before + 1);
    compute_part(&pool->workers[0]);
    for (int32_t k = 0; k < LOOKS && atomic_load(&pool->busy) > 0; k++) {
    }
    if (atomic_load(&pool->busy) > 0) {
        pthread_mutex_lock(&pool->mutex);
        while (atomic_load(&pool->busy) > 0) {
            pthread_cond_wait(&pool->done, &pool->mutex);
        }
        pthread_mutex_unlock(&pool->mutex);
    }
}

void model_run_threads(model_ctx *ctx, model_pool *pool)
{
    if (pool->threads == 1) {
        model_run(ctx);
    } else {
        model_run_split(ctx, share_out, pool);
    }
}

model_pool *model_pool_start(int32_t threads)
{
    model_pool *pool = (model_pool *)calloc(1, sizeof *pool);

    if (pool == NULL || threads < 1) {
        free(pool);
        return NULL;
    }
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->begun, NULL);
    pthread_cond_init(&pool->done, NULL);
    pool->threads = threads;
    pool->workers = (worker *)calloc((size_t)threads, sizeof *pool->workers);
    for (int32_t k = 0; pool->workers != NULL && k < threads; k++) {
        worker *w = &pool->workers[k];
        w->pool = pool;
        w->index = k;
        /* malloc aligns for any type, which is what kernels ask of scratch. */
        w->scratch = (uint8_t *)malloc(MODEL_SCRATCH_BYTES);
        if (w->scratch == NULL || (k > 0 && pthread_create(&w->thread, NULL, work, w) != 0)) {
            free(w->scratch);
            break;
        }
        pool->started = k + 1;
    }
    if (pool->started < threads) {
        model_pool_stop(pool);
        return NULL;
    }
    return pool;
}

void model_pool_stop(model_pool *pool)
{
    announce(pool, -1);
    for (int32_t k = 0; k < pool->started; k++) {
        if (k > 0) {
            pthread_join(pool->workers[k].thread, NULL);
        }
        free(pool->workers[k].scratch);
    }
    pthread_cond_destroy(&pool->done);
    pthread_cond_destroy(&pool->begun);
    pthread_mutex_destroy(&pool->mutex);
    free(pool->workers);
    free(pool);
}
