/* STM32H7 at BOARD_CLOCK_HZ from the internal oscillator, both caches on (RM0433, RM0455: PWR, RCC, FLASH).
 *
 * Settings: supply (what PWR_CR3 chooses), voltage_scale (VOS), ahb_divisor (core clock over bus clock, 1 or 2),
 * flash_wait_states and programming_delay (LATENCY and WRHIGHFREQ of FLASH_ACR, for the bus clock).
 */
#include "board.h"
#include "caches.h"
#include "stm32.h"

#define RCC_CR REGISTER(RCC + 0x00u)
#define RCC_CFGR REGISTER(RCC + 0x10u)
#define RCC_D1CFGR REGISTER(RCC + 0x18u)
#define RCC_D2CFGR REGISTER(RCC + 0x1Cu)
#define RCC_D3CFGR REGISTER(RCC + 0x20u)
#define RCC_PLLCKSELR REGISTER(RCC + 0x28u)
#define RCC_PLLCFGR REGISTER(RCC + 0x2Cu)
#define RCC_PLL1DIVR REGISTER(RCC + 0x30u)
#define PWR_CSR1 REGISTER(0x58024804u)
#define PWR_CR3 REGISTER(0x5802480Cu)
#define PWR_D3CR REGISTER(0x58024818u)
#define FLASH_ACR REGISTER(0x52002000u)

#define CR_HSION (1u << 0)
#define CR_HSIRDY (1u << 2)
#define CR_PLL1ON (1u << 24)
#define CR_PLL1RDY (1u << 25)
#define CR3_SUPPLY 7u
#define VOLTAGE_READY (1u << 13)
#define CFGR_SW_PLL1 3u
#define CFGR_SWS_PLL1 (3u << 3)
#define HALF_APB 4u
#define HALF_AHB 8u

/* 64 MHz / 32 * N / 2: the oscillator's input is 2 MHz, N the core clock in MHz. */
#define PLL_M 32u
#define PLL_N (BOARD_CLOCK_HZ / 1000000u)

static void clock_init(void)
{
    const uint32_t acr = BOARD_FLASH_WAIT_STATES | (BOARD_PROGRAMMING_DELAY << 4);

    change(&PWR_CR3, CR3_SUPPLY, BOARD_SUPPLY); /* the chip takes one such write after power-on */
    wait_for(&PWR_CSR1, VOLTAGE_READY);
    change(&PWR_D3CR, 3u << 14, BOARD_VOLTAGE_SCALE << 14);
    wait_for(&PWR_D3CR, VOLTAGE_READY);
    RCC_CR |= CR_HSION;
    wait_for(&RCC_CR, CR_HSIRDY);
    RCC_PLLCKSELR = PLL_M << 4;                          /* source 0: the internal oscillator */
    RCC_PLLCFGR = (1u << 2) | (1u << 16);                /* input of 2 to 4 MHz, wide range; output P */
    RCC_PLL1DIVR = (PLL_N - 1u) | (1u << 9) | (1u << 16) | (1u << 24);
    RCC_CR |= CR_PLL1ON;
    wait_for(&RCC_CR, CR_PLL1RDY);
    /* The flash must be slow enough before the core gets fast. */
    FLASH_ACR = acr;
    wait_until(&FLASH_ACR, UINT32_MAX, acr);
    RCC_D1CFGR = (HALF_APB << 4) | (BOARD_AHB_DIVISOR == 2u ? HALF_AHB : 0u);
    RCC_D2CFGR = (HALF_APB << 4) | (HALF_APB << 8);
    RCC_D3CFGR = HALF_APB << 4;
    RCC_CFGR = CFGR_SW_PLL1;
    wait_for(&RCC_CFGR, CFGR_SWS_PLL1);
}

void board_init(void)
{
    clock_init();
    enable_caches();
    stm32_serial();
}
