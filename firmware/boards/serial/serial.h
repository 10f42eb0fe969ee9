/* The serial port of a board: one file of this folder, which has board_read and board_write too. */
#ifndef SERIAL_H
#define SERIAL_H

#include "board_config.h"

/* Baud rate and on; clock and pins are there. */
void serial_init(void);

/* Clocks of the port for a bit, as its register wants them. */
#define SERIAL_DIVISOR(clock_hz) (((clock_hz) + BOARD_UART_BAUD / 2u) / BOARD_UART_BAUD)

#endif
