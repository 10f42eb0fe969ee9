#include "nrf.h"

#define TASKS_HFCLKSTART REGISTER(CLOCK + 0x000u)
#define EVENTS_HFCLKSTARTED REGISTER(CLOCK + 0x100u)
#define GPIO_PORT(port) (GPIO + 0x300u * (port))

void nrf_crystal(void)
{
    EVENTS_HFCLKSTARTED = 0;
    TASKS_HFCLKSTART = 1;
    wait_for(&EVENTS_HFCLKSTARTED, 1u);
}

void nrf_serial(void)
{
    /* High before it is an output: the host takes a low line for a byte. */
    REGISTER(GPIO_PORT(BOARD_TX_PORT) + GPIO_OUTSET) = 1u << BOARD_TX_PIN;
    REGISTER(GPIO_PORT(BOARD_TX_PORT) + GPIO_DIRSET) = 1u << BOARD_TX_PIN;
    serial_init();
}
