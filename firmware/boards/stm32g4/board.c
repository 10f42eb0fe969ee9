/* STM32G4 at BOARD_CLOCK_HZ. */
#include "board.h"
#include "stm32.h"

#define PWR_ENABLE 0x58u
#define FLASH_ACR_ON ((1u << 8) | (1u << 9) | (1u << 10))
#define PLL_OUTPUT (1u << 24)
#define CFGR_PLL 3u
#define CFGR_IS_PLL (3u << 2)
#define CFGR_HALF (8u << 4)
#define FASTEST_AT_ONCE 80000000u

#include "l4_clock.inc"

void board_init(void)
{
    clock_init();
    stm32_serial();
}
