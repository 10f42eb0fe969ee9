/* System calls of Linux on AArch64, and on 32-bit Arm with the EABI. */
#ifndef SYSTEM_H
#define SYSTEM_H

#include <stdint.h>

#if defined(__aarch64__)
enum { SYS_READ = 63, SYS_WRITE = 64, SYS_EXIT_GROUP = 94, SYS_FUTEX = 98, SYS_MUNMAP = 215, SYS_MMAP = 222 };

static inline intptr_t system_call(intptr_t number, intptr_t a, uintptr_t b, uintptr_t c, uintptr_t d, uintptr_t e,
                                   uintptr_t f)
{
    register intptr_t x8 __asm("x8") = number;
    register intptr_t x0 __asm("x0") = a;
    register uintptr_t x1 __asm("x1") = b;
    register uintptr_t x2 __asm("x2") = c;
    register uintptr_t x3 __asm("x3") = d;
    register uintptr_t x4 __asm("x4") = e;
    register uintptr_t x5 __asm("x5") = f;

    __asm volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
    return x0;
}
#else
/* mmap2, whose last argument counts pages; it is 0 here. */
enum { SYS_READ = 3, SYS_WRITE = 4, SYS_EXIT_GROUP = 248, SYS_FUTEX = 240, SYS_MUNMAP = 91, SYS_MMAP = 192 };

static inline intptr_t system_call(intptr_t number, intptr_t a, uintptr_t b, uintptr_t c, uintptr_t d, uintptr_t e,
                                   uintptr_t f)
{
    register intptr_t r7 __asm("r7") = number;
    register intptr_t r0 __asm("r0") = a;
    register uintptr_t r1 __asm("r1") = b;
    register uintptr_t r2 __asm("r2") = c;
    register uintptr_t r3 __asm("r3") = d;
    register uintptr_t r4 __asm("r4") = e;
    register uintptr_t r5 __asm("r5") = f;

    __asm volatile("svc 0" : "+r"(r0) : "r"(r7), "r"(r1), "r"(r2), "r"(r3), "r"(r4), "r"(r5) : "memory");
    return r0;
}
#endif

#endif
