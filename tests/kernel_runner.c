/* Runs one kernel on jobs from standard input: tests/kernels.py writes them.
 *
 * Every table, the parameters, the arena and the scratch are heap blocks of exactly their size, so
 * that AddressSanitizer sees any access beyond them; what lies between the windows is poisoned.
 * EC_HEADER, EC_FUNCTION and EC_TESTED_PARAMS name the kernel.
 */
#include <stdio.h>
#include <stdlib.h>
#include EC_HEADER

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#endif

enum { CALL, WRITE, READ };

static int get(void *to, size_t n) { return fread(to, 1, n, stdin) == n; }

static int32_t number(void)
{
    int32_t x;
    if (!get(&x, sizeof x)) {
        exit(3);
    }
    return x;
}

static void *block(int32_t n)
{
    void *p = malloc((size_t)n);
    if (p == NULL || !get(p, (size_t)n)) {
        exit(3);
    }
    return p;
}

static void poison(const uint8_t *arena, const int32_t *gaps, int32_t n, int on)
{
    for (int32_t i = 0; i < n; i++) {
        if (on) {
            ASAN_POISON_MEMORY_REGION(arena + gaps[2 * i], (size_t)gaps[2 * i + 1]);
        } else {
            ASAN_UNPOISON_MEMORY_REGION(arena + gaps[2 * i], (size_t)gaps[2 * i + 1]);
        }
    }
}

static ec_window window(uint8_t *arena)
{
    ec_window w;
    w.base = arena + number();
    w.pitch = number();
    w.capacity = number();
    w.slots = NULL;
    const int32_t slots = number();
    if (slots > 0) {
        w.slots = block(slots * (int32_t)sizeof *w.slots);
    }
    return w;
}

static int job(void)
{
    int32_t n_tables;
    if (!get(&n_tables, sizeof n_tables)) {
        return 0;
    }
    void **tables = calloc((size_t)n_tables + 1, sizeof *tables);
    for (int32_t i = 0; i < n_tables; i++) {
        tables[i] = block(number());
    }
    uint8_t *params = block(number());
    for (int32_t n = number(); n > 0; n--) {
        const int32_t at = number();
        memcpy(params + at, &tables[number()], sizeof(void *));
    }
    const int32_t arena_size = number();
    uint8_t *arena = block(arena_size);
    const int32_t n_gaps = number();
    int32_t *gaps = block(n_gaps * 8);
    const int32_t n_in = number();
    ec_window *in = calloc((size_t)n_in + 1, sizeof *in);
    for (int32_t i = 0; i < n_in; i++) {
        in[i] = window(arena);
    }
    const ec_window out = window(arena);
    const int32_t scratch_size = number();
    void *scratch = scratch_size ? malloc((size_t)scratch_size) : NULL;
    uint8_t *log = NULL; /* answers are sent when the whole job has been read */
    size_t logged = 0;

    for (int32_t n = number(); n > 0; n--) {
        const int32_t kind = number();
        const int32_t a = number();
        const int32_t b = number();
        if (kind == CALL) {
            if (scratch != NULL) {
                memset(scratch, 0xA5, (size_t)scratch_size);
            }
            poison(arena, gaps, n_gaps, 1);
            EC_FUNCTION((const EC_TESTED_PARAMS *)(const void *)params, in, &out, a, b, scratch);
            poison(arena, gaps, n_gaps, 0);
        } else if (kind == WRITE) {
            if (!get(arena + a, (size_t)b)) {
                exit(3);
            }
        } else {
            log = realloc(log, logged + (size_t)b);
            memcpy(log + logged, arena + a, (size_t)b);
            logged += (size_t)b;
        }
    }
    fwrite(log, 1, logged, stdout);
    fwrite(arena, 1, (size_t)arena_size, stdout);
    fflush(stdout);

    for (int32_t i = 0; i < n_tables; i++) {
        free(tables[i]);
    }
    free(tables);
    free(params);
    free(arena);
    free(gaps);
    for (int32_t i = 0; i < n_in; i++) {
        free((void *)(uintptr_t)in[i].slots);
    }
    free((void *)(uintptr_t)out.slots);
    free(in);
    free(scratch);
    free(log);
    return 1;
}

int main(void)
{
    while (job()) {
    }
    return 0;
}
