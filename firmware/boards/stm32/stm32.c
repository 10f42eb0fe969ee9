#include "stm32.h"

#define GPIO_PORT(port) (GPIO + 0x400u * (port))

/* The clock of a peripheral is there two cycles after it was switched on: a read takes as long. */
static void switch_on(uint32_t offset, uint32_t bit)
{
    volatile uint32_t *const enable = &REGISTER(RCC + offset);

    *enable |= 1u << bit;
    (void)*enable;
}

void stm32_pin(uint32_t port, uint32_t pin, uint32_t function)
{
    const uint32_t base = GPIO_PORT(port);
    const uint32_t shift = 4u * (pin % 8u);

    switch_on(GPIO_ENABLE, port);
    change(&REGISTER(base + 0x20u + 4u * (pin / 8u)), 15u << shift, function << shift);
    REGISTER(base + 0x08u) |= 3u << (2u * pin);
    REGISTER(base + 0x0Cu) &= ~(3u << (2u * pin));
    change(&REGISTER(base), 3u << (2u * pin), 2u << (2u * pin));
}

void stm32_serial(void)
{
    switch_on(BOARD_UART_ENABLE_OFFSET, BOARD_UART_ENABLE_BIT);
    stm32_pin(BOARD_TX_PORT, BOARD_TX_PIN, BOARD_UART_FUNCTION);
    stm32_pin(BOARD_RX_PORT, BOARD_RX_PIN, BOARD_UART_FUNCTION);
    serial_init();
}
