/* System calls of AArch64 Linux. */
#ifndef SYSTEM_H
#define SYSTEM_H

#include <stdint.h>

static inline int64_t system_call(int64_t number, int64_t a, uintptr_t b, uint64_t c, uint64_t d, uint64_t e,
                                  uint64_t f)
{
    register int64_t x8 __asm("x8") = number;
    register int64_t x0 __asm("x0") = a;
    register uintptr_t x1 __asm("x1") = b;
    register uint64_t x2 __asm("x2") = c;
    register uint64_t x3 __asm("x3") = d;
    register uint64_t x4 __asm("x4") = e;
    register uint64_t x5 __asm("x5") = f;

    __asm volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
    return x0;
}

#endif
