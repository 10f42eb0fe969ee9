/* Caches of the Cortex-M7 and M55 (Armv7-M and Armv8-M Architecture Reference Manuals, cache maintenance). */
#ifndef CACHES_H
#define CACHES_H

#include "registers.h"

#define SCB_CCR REGISTER(0xE000ED14u)
#define SCB_CCSIDR REGISTER(0xE000ED80u)
#define SCB_CSSELR REGISTER(0xE000ED84u)
#define SCB_ICIALLU REGISTER(0xE000EF50u)
#define SCB_DCISW REGISTER(0xE000EF60u)
#define CCR_INSTRUCTION_CACHE (1u << 17)
#define CCR_DATA_CACHE (1u << 16)

static inline void barrier(void) { __asm volatile("dsb\nisb" ::: "memory"); }

/* Both caches come up with random contents: invalidate, then switch on. */
static inline void enable_caches(void)
{
    uint32_t sets;
    uint32_t ways;

    SCB_ICIALLU = 0;
    barrier();
    SCB_CCR |= CCR_INSTRUCTION_CACHE;
    barrier();
    SCB_CSSELR = 0;
    barrier();
    sets = (SCB_CCSIDR >> 13) & 0x7FFFu;
    ways = (SCB_CCSIDR >> 3) & 0x3FFu;
    for (uint32_t set = 0; set <= sets; set++) {
        for (uint32_t way = 0; way <= ways; way++) {
            SCB_DCISW = (set << 5) | (way << 30);
        }
    }
    barrier();
    SCB_CCR |= CCR_DATA_CACHE;
    barrier();
}

#endif
