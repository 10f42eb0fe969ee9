/* What the STM32F4 and STM32F7 have in common: clock tree, pins, flash interface. */
#ifndef STM32_H
#define STM32_H

#include <stdint.h>

#include "board_config.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))

#define RCC 0x40023800u
#define RCC_AHB3ENR REGISTER(RCC + 0x38u)

/* Core clock BOARD_CLOCK_HZ from the internal oscillator; `acr`: FLASH_ACR, latency included. */
void stm32_clock(uint32_t acr);

/* Gives a pin to a peripheral, without pulls and at the highest speed. */
void stm32_pin(uint32_t port, uint32_t pin, uint32_t function);

/* Clock and pins of the serial port. */
void stm32_uart_pins(void);

#endif
