/* STM32L4 and L4+ at BOARD_CLOCK_HZ. Settings: vddio2 (1 where the serial port is at pins that need it). */
#include "board.h"
#include "stm32.h"

#include "l4_clock.inc"

#define PWR_CR2 REGISTER(0x40007004u)
#define CR2_VDDIO2_VALID (1u << 9)

void board_init(void)
{
    clock_init();
#ifdef BOARD_VDDIO2
    PWR_CR2 |= CR2_VDDIO2_VALID; /* port G from pin 2 on is dead without */
#endif
    stm32_serial();
}
