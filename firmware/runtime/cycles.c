/* The counter of cycles: the DWT's, or SysTick where a core has none (Armv6-M, Armv8-M Baseline). */
#include <stdint.h>

#include "board.h"

#if defined(__ARM_ARCH_6M__) || defined(__ARM_ARCH_8M_BASE__) || defined(BOARD_SYSTICK)

#define SYST_CSR (*(volatile uint32_t *)0xE000E010u)
#define SYST_RVR (*(volatile uint32_t *)0xE000E014u)
#define SYST_CVR (*(volatile uint32_t *)0xE000E018u)
#define CSR_CORE_CLOCK_INTERRUPT_ON 7u
#define TICK_BITS 24

/* How often the 24 bits went round. */
static volatile uint32_t rounds;

void systick_handler(void);
void systick_handler(void) { rounds++; }

void board_count(void)
{
    SYST_RVR = (1u << TICK_BITS) - 1u;
    SYST_CVR = 0;
    SYST_CSR = CSR_CORE_CLOCK_INTERRUPT_ON;
}

/* It counts down; the read is repeated where a round ended beside it. */
uint32_t board_cycles(void)
{
    uint32_t before;
    uint32_t value;

    do {
        before = rounds;
        value = SYST_CVR;
    } while (before != rounds);
    return (before << TICK_BITS) - value;
}

#else

#define DEMCR (*(volatile uint32_t *)0xE000EDFCu)
#define DWT_CTRL (*(volatile uint32_t *)0xE0001000u)
#define DWT_CYCCNT (*(volatile uint32_t *)0xE0001004u)
#define DWT_LAR (*(volatile uint32_t *)0xE0001FB0u)
#define DEMCR_TRACE (1u << 24)
#define LAR_KEY 0xC5ACCE55u

void board_count(void)
{
    DEMCR |= DEMCR_TRACE;
    DWT_LAR = LAR_KEY; /* the Cortex-M7 has a lock; elsewhere this does nothing */
    DWT_CTRL |= 1u;
}

uint32_t board_cycles(void) { return DWT_CYCCNT; }

#endif
