/* STM32G4 at BOARD_CLOCK_HZ. */
#include "board.h"
#include "stm32.h"

#include "l4_clock.inc"

void board_init(void)
{
    clock_init();
    stm32_serial();
}
