#include "stm32.h"

#define RCC_CR REGISTER(RCC + 0x00u)
#define RCC_PLLCFGR REGISTER(RCC + 0x04u)
#define RCC_CFGR REGISTER(RCC + 0x08u)
#define RCC_AHB1ENR REGISTER(RCC + 0x30u)
#define RCC_APB1ENR REGISTER(RCC + 0x40u)

#define PWR_CR REGISTER(0x40007000u)
#define PWR_CSR REGISTER(0x40007004u)

#define FLASH_ACR REGISTER(0x40023C00u)

#define GPIO(port) (0x40020000u + 0x400u * (port))

#define CR_PLLON (1u << 24)
#define CR_PLLRDY (1u << 25)
#define CFGR_SW_PLL 2u
#define CFGR_SWS_PLL (2u << 2)
#define CFGR_APB1_BY_4 (5u << 10)
#define CFGR_APB2_BY_2 (4u << 13)
#define APB1ENR_PWR (1u << 28)
#define PWR_SCALE_1 (3u << 14)
#define PWR_OVER_DRIVE (1u << 16)
#define PWR_OVER_DRIVE_SWITCH (1u << 17)

/* 16 MHz / 8 * N / 2: the oscillator's input is 2 MHz, N the core clock in MHz. PLLQ and the
 * F446's PLLR drive what is not in use; they are kept in their ranges. */
#define PLL_M 8u
#define PLL_N (BOARD_CLOCK_HZ / 1000000u)
#define PLL_Q 9u
#define PLL_R 2u

static void wait_for(volatile uint32_t *at, uint32_t bits)
{
    while ((*at & bits) != bits) {
    }
}

void stm32_clock(uint32_t acr)
{
    RCC_APB1ENR |= APB1ENR_PWR;
    PWR_CR |= PWR_SCALE_1;
    RCC_PLLCFGR = PLL_M | (PLL_N << 6) | (PLL_Q << 24) | (PLL_R << 28);
    RCC_CR |= CR_PLLON;
    /* Over-drive: both chips need it for their highest clock. */
    PWR_CR |= PWR_OVER_DRIVE;
    wait_for(&PWR_CSR, PWR_OVER_DRIVE);
    PWR_CR |= PWR_OVER_DRIVE_SWITCH;
    wait_for(&PWR_CSR, PWR_OVER_DRIVE_SWITCH);
    wait_for(&RCC_CR, CR_PLLRDY);
    /* The flash must be slow enough before the core gets fast. */
    FLASH_ACR = acr;
    while (FLASH_ACR != acr) {
    }
    RCC_CFGR = CFGR_APB1_BY_4 | CFGR_APB2_BY_2 | CFGR_SW_PLL;
    wait_for(&RCC_CFGR, CFGR_SWS_PLL);
}

void stm32_pin(uint32_t port, uint32_t pin, uint32_t function)
{
    volatile uint32_t *const alternate = &REGISTER(GPIO(port) + 0x20u + 4u * (pin / 8u));
    const uint32_t shift = 4u * (pin % 8u);

    RCC_AHB1ENR |= 1u << port;
    (void)RCC_AHB1ENR; /* the clock is there after two cycles */
    *alternate = (*alternate & ~(15u << shift)) | (function << shift);
    REGISTER(GPIO(port) + 0x08u) |= 3u << (2u * pin);
    REGISTER(GPIO(port) + 0x0Cu) &= ~(3u << (2u * pin));
    REGISTER(GPIO(port)) = (REGISTER(GPIO(port)) & ~(3u << (2u * pin))) | (2u << (2u * pin));
}

void stm32_uart_pins(void)
{
    volatile uint32_t *const enable = &REGISTER(RCC + BOARD_UART_ENABLE_OFFSET);

    *enable |= 1u << BOARD_UART_ENABLE_BIT;
    (void)*enable;
    stm32_pin(BOARD_TX_PORT, BOARD_TX_PIN, BOARD_UART_FUNCTION);
    stm32_pin(BOARD_RX_PORT, BOARD_RX_PIN, BOARD_UART_FUNCTION);
}
