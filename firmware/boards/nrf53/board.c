/* nRF5340, application core at BOARD_CLOCK_HZ, its cache on. */
#include "board.h"
#include "nrf.h"

#define HFCLKSRC REGISTER(CLOCK + 0x514u)
#define HFCLKCTRL REGISTER(CLOCK + 0x558u)
#define CACHE_ENABLE REGISTER(0x50001500u)

#define SOURCE_CRYSTAL 1u

void board_init(void)
{
    HFCLKCTRL = BOARD_CLOCK_HZ == 128000000u ? 0u : 1u; /* 128 MHz, undivided or halved */
    HFCLKSRC = SOURCE_CRYSTAL;
    nrf_crystal();
    CACHE_ENABLE = 1u;
    nrf_serial();
}
