/* STM32U5 at BOARD_CLOCK_HZ from the internal oscillator, instruction cache on (RM0456: PWR, RCC, FLASH, ICACHE). */
#include "board.h"
#include "stm32.h"

#define RCC_CR REGISTER(RCC + 0x00u)
#define RCC_CFGR1 REGISTER(RCC + 0x1Cu)
#define RCC_PLL1CFGR REGISTER(RCC + 0x28u)
#define RCC_PLL1DIVR REGISTER(RCC + 0x34u)
#define RCC_AHB3ENR REGISTER(RCC + 0x94u)
#define PWR_VOSR REGISTER(0x4602080Cu)
#define FLASH_ACR REGISTER(0x40022000u)
#define ICACHE_CR REGISTER(0x40030400u)
#define ICACHE_SR REGISTER(0x40030404u)

#define CR_HSION (1u << 8)
#define CR_HSIRDY (1u << 10)
#define CR_PLL1ON (1u << 24)
#define CR_PLL1RDY (1u << 25)
#define AHB3ENR_PWR (1u << 2)
#define VOSR_RANGE_1 (3u << 16)
#define VOSR_BOOST (1u << 18)
#define VOSR_BOOST_READY (1u << 14)
#define VOSR_READY (1u << 15)
#define CFGR1_SW_PLL1 3u
#define CFGR1_SWS_PLL1 (3u << 2)
#define ACR_PREFETCH (1u << 8)
#define ICACHE_BUSY 1u

/* 16 MHz / 4 * N / 2. The voltage booster runs on the 16 MHz themselves. */
#define PLL_SOURCE_HSI16 2u
#define PLL_M 4u
#define PLL_N (BOARD_CLOCK_HZ / 2000000u)
#define PLL_R_ON (1u << 18)

static void clock_init(void)
{
    const uint32_t acr = BOARD_FLASH_WAIT_STATES | ACR_PREFETCH;

    RCC_AHB3ENR |= AHB3ENR_PWR;
    (void)RCC_AHB3ENR;
    PWR_VOSR |= VOSR_RANGE_1;
    wait_for(&PWR_VOSR, VOSR_READY);
    RCC_CR |= CR_HSION;
    wait_for(&RCC_CR, CR_HSIRDY);
    RCC_PLL1CFGR = PLL_SOURCE_HSI16 | ((PLL_M - 1u) << 8) | PLL_R_ON;
    RCC_PLL1DIVR = (PLL_N - 1u) | (1u << 9) | (1u << 16) | (1u << 24);
    PWR_VOSR |= VOSR_BOOST; /* above 55 MHz */
    wait_for(&PWR_VOSR, VOSR_BOOST_READY);
    RCC_CR |= CR_PLL1ON;
    wait_for(&RCC_CR, CR_PLL1RDY);
    /* The flash must be slow enough before the core gets fast. */
    FLASH_ACR = acr;
    wait_until(&FLASH_ACR, UINT32_MAX, acr);
    RCC_CFGR1 = CFGR1_SW_PLL1;
    wait_for(&RCC_CFGR1, CFGR1_SWS_PLL1);
}

void board_init(void)
{
    clock_init();
    wait_until(&ICACHE_SR, ICACHE_BUSY, 0); /* it clears itself after reset */
    ICACHE_CR |= 1u;
    stm32_serial();
}
