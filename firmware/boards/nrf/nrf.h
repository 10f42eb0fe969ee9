/* What the nRF52 and nRF53 have in common. */
#ifndef NRF_H
#define NRF_H

#include "board_config.h"
#include "family.h"
#include "registers.h"
#include "serial.h"

/* The crystal oscillator, whose clock the serial port needs to keep its rate. */
void nrf_crystal(void);

/* Pins and baud rate of the serial port. */
void nrf_serial(void);

#endif
