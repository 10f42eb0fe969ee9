/* What firmware/runtime/threads.c needs of a C library, on system calls alone: so the runner is one small program
 * for every distribution. Types and declarations are the C library's own; of each, the first word is used.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "system.h"

enum { FUTEX_WAIT = 128, FUTEX_WAKE = 129, FUTEX_WAIT_SHARED = 0 };

/* CLONE_ VM, FS, FILES, SIGHAND, THREAD, SYSVSEM, PARENT_SETTID, CHILD_CLEARTID */
#define CLONE_FLAGS 0x00350F00u
#define STACK_BYTES 262144u

/* At the low end of a thread's stack. running: the kernel makes it 0 and wakes who waits for it at the end. */
typedef struct {
    atomic_int running;
} control;

/* -- memory: each block is a mapping of its own, its size in front of it -- */

static void *map(size_t bytes)
{
    const intptr_t at = system_call(SYS_MMAP, 0, bytes, 3, 0x22, UINTPTR_MAX, 0);

    return at < 0 && at > -4096 ? NULL : (void *)(uintptr_t)at;
}

void *malloc(size_t bytes)
{
    uintptr_t *block = (uintptr_t *)map(bytes + 16u);

    if (block == NULL) {
        return NULL;
    }
    block[0] = bytes + 16u;
    return (uint8_t *)block + 16;
}

void *calloc(size_t count, size_t bytes) { return malloc(count * bytes); }

void free(void *block)
{
    if (block != NULL) {
        uintptr_t *at = (uintptr_t *)(void *)((uint8_t *)block - 16);
        (void)system_call(SYS_MUNMAP, (intptr_t)at, at[0], 0, 0, 0, 0);
    }
}

/* -- waiting -- */

static void wait_while(atomic_int *word, int value, int how)
{
    (void)system_call(SYS_FUTEX, (intptr_t)word, (uintptr_t)how, (uint32_t)value, 0, 0, 0);
}

static void wake(atomic_int *word, int count)
{
    (void)system_call(SYS_FUTEX, (intptr_t)word, FUTEX_WAKE, (uint32_t)count, 0, 0, 0);
}

static atomic_int *word_of(void *object) { return (atomic_int *)object; }

/* 0: free, 1: taken, 2: taken and waited for. */
int pthread_mutex_lock(pthread_mutex_t *mutex)
{
    atomic_int *word = word_of(mutex);
    int free_now = 0;

    if (!atomic_compare_exchange_strong(word, &free_now, 1)) {
        while (atomic_exchange(word, 2) != 0) {
            wait_while(word, 2, FUTEX_WAIT);
        }
    }
    return 0;
}

int pthread_mutex_unlock(pthread_mutex_t *mutex)
{
    if (atomic_exchange(word_of(mutex), 0) == 2) {
        wake(word_of(mutex), 1);
    }
    return 0;
}

int pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes)
{
    (void)attributes;
    atomic_store(word_of(mutex), 0);
    return 0;
}

int pthread_mutex_destroy(pthread_mutex_t *mutex) { return mutex == NULL; }

/* A condition counts how often it was signalled. */
int pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex)
{
    const int seen = atomic_load(word_of(condition));

    pthread_mutex_unlock(mutex);
    wait_while(word_of(condition), seen, FUTEX_WAIT);
    return pthread_mutex_lock(mutex);
}

int pthread_cond_broadcast(pthread_cond_t *condition)
{
    atomic_fetch_add(word_of(condition), 1);
    wake(word_of(condition), INT32_MAX);
    return 0;
}

int pthread_cond_signal(pthread_cond_t *condition) { return pthread_cond_broadcast(condition); }

int pthread_cond_init(pthread_cond_t *condition, const pthread_condattr_t *attributes)
{
    (void)attributes;
    atomic_store(word_of(condition), 0);
    return 0;
}

int pthread_cond_destroy(pthread_cond_t *condition) { return condition == NULL; }

/* -- threads -- */

/* The system call; the new thread finds function and argument on its stack. */
__attribute__((naked)) static intptr_t clone_thread(uintptr_t flags, void *stack, atomic_int *parent, void *storage,
                                                   atomic_int *child)
{
#if defined(__aarch64__)
    __asm volatile("mov x8, #220\n"
                   "svc #0\n"
                   "cbz x0, 1f\n"
                   "ret\n"
                   "1: ldp x1, x0, [sp], #16\n"
                   "mov x29, xzr\n"
                   "mov x30, xzr\n"
                   "blr x1\n"
                   "mov x0, #0\n"
                   "mov x8, #93\n"
                   "svc #0\n");
#else
    __asm volatile("push {r4, r7}\n"
                   "ldr r4, [sp, #8]\n"
                   "mov r7, #120\n"
                   "svc #0\n"
                   "cmp r0, #0\n"
                   "beq 1f\n"
                   "pop {r4, r7}\n"
                   "bx lr\n"
                   "1: pop {r1}\n"
                   "pop {r0}\n"
                   "mov r11, #0\n"
                   "mov lr, #0\n"
                   "blx r1\n"
                   "mov r0, #0\n"
                   "mov r7, #1\n"
                   "svc #0\n");
#endif
}

int pthread_create(pthread_t *restrict thread, const pthread_attr_t *restrict attributes,
                   void *(*function)(void *), void *restrict argument)
{
    uint8_t *stack = (uint8_t *)map(STACK_BYTES);
    control *c = (control *)(void *)stack;

    (void)attributes;
    if (stack == NULL) {
        return 1;
    }
    uintptr_t *top = (uintptr_t *)(void *)(stack + STACK_BYTES) - 2;
    top[0] = (uintptr_t)function;
    top[1] = (uintptr_t)argument;
    if (clone_thread(CLONE_FLAGS, top, &c->running, NULL, &c->running) < 0) {
        (void)system_call(SYS_MUNMAP, (intptr_t)stack, STACK_BYTES, 0, 0, 0, 0);
        return 1;
    }
    *thread = (pthread_t)(void *)c;
    return 0;
}

int pthread_join(pthread_t thread, void **result)
{
    control *c = (control *)(void *)thread;
    int running;

    (void)result;
    while ((running = atomic_load(&c->running)) != 0) {
        wait_while(&c->running, running, FUTEX_WAIT_SHARED);
    }
    (void)system_call(SYS_MUNMAP, (intptr_t)c, STACK_BYTES, 0, 0, 0, 0);
    return 0;
}

/* -- the command line -- */

int strcmp(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return *(const unsigned char *)a - *(const unsigned char *)b;
}

int atoi(const char *text)
{
    int value = 0;

    for (; *text >= '0' && *text <= '9' && value < 100000; text++) {
        value = value * 10 + (*text - '0');
    }
    return value;
}
