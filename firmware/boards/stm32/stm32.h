/* What all STM32 have in common: how a pin is given to a peripheral. */
#ifndef STM32_H
#define STM32_H

#include "board_config.h"
#include "family.h"
#include "registers.h"
#include "serial.h"

/* Gives a pin to a peripheral, without pulls and at the highest speed. */
void stm32_pin(uint32_t port, uint32_t pin, uint32_t function);

/* Clock, pins and baud rate of the serial port. */
void stm32_serial(void);

#endif
