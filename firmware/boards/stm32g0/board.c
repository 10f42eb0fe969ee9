/* STM32G0 at BOARD_CLOCK_HZ. */
#include "board.h"
#include "stm32.h"

#define PWR_ENABLE 0x3Cu
#define FLASH_ACR_ON ((1u << 8) | (1u << 9))
#define PLL_OUTPUT ((1u << 28) | (1u << 29))
#define CFGR_PLL 2u
#define CFGR_IS_PLL (2u << 3)
#define CFGR_HALF (8u << 8)
#define FASTEST_AT_ONCE 64000000u

#include "l4_clock.inc"

void board_init(void)
{
    clock_init();
    stm32_serial();
}
