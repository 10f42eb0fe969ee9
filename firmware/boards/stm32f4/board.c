/* STM32F4 at BOARD_CLOCK_HZ. */
#include "board.h"
#include "stm32.h"

#include "f4_clock.inc"

/* Prefetch, instruction and data cache of the ART accelerator. */
#define FLASH_ACR_VALUE (BOARD_FLASH_WAIT_STATES | (1u << 8) | (1u << 9) | (1u << 10))

void board_init(void)
{
    clock_init(FLASH_ACR_VALUE);
    stm32_serial();
}
