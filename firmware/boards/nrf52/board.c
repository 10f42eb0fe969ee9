/* nRF52840: its core always runs at 64 MHz; the cache of its flash is on. */
#include "board.h"
#include "nrf.h"

#define NVMC_ICACHECNF REGISTER(0x4001E540u)

void board_init(void)
{
    nrf_crystal();
    NVMC_ICACHECNF = 1u;
    nrf_serial();
}
