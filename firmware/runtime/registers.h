/* Registers of a chip. */
#ifndef REGISTERS_H
#define REGISTERS_H

#include <stdint.h>

#define REGISTER(address) (*(volatile uint32_t *)(address))

/* Until all `bits` of a register are `value`. */
static inline void wait_until(const volatile uint32_t *at, uint32_t bits, uint32_t value)
{
    while ((*at & bits) != value) {
    }
}

static inline void wait_for(const volatile uint32_t *at, uint32_t bits) { wait_until(at, bits, bits); }

/* Takes some bits of a register for others. */
static inline void change(volatile uint32_t *at, uint32_t bits, uint32_t value) { *at = (*at & ~bits) | value; }

#endif
