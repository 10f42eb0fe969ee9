/* Arm PrimeCell UART (DDI 0183), as in the RP2040 and RP2350. */
#include "board.h"
#include "registers.h"
#include "serial.h"

#define UART_DR REGISTER(BOARD_UART + 0x00u)
#define UART_FR REGISTER(BOARD_UART + 0x18u)
#define UART_IBRD REGISTER(BOARD_UART + 0x24u)
#define UART_FBRD REGISTER(BOARD_UART + 0x28u)
#define UART_LCR_H REGISTER(BOARD_UART + 0x2Cu)
#define UART_CR REGISTER(BOARD_UART + 0x30u)

#define FR_RX_EMPTY (1u << 4)
#define FR_TX_FULL (1u << 5)
#define LCR_8_BITS_FIFO 0x70u
#define CR_ON_TX_RX 0x301u

/* The port samples a bit 16 times; its divisor is in 64ths: 4 of them for each clock of a bit. */
#define DIVISOR ((uint32_t)SERIAL_DIVISOR(4ull * BOARD_UART_CLOCK_HZ))

void serial_init(void)
{
    UART_IBRD = DIVISOR >> 6;
    UART_FBRD = DIVISOR & 63u;
    UART_LCR_H = LCR_8_BITS_FIFO; /* this write also takes over the divisor */
    UART_CR = CR_ON_TX_RX;
}

int board_read(uint8_t *data, uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i++) {
        while ((UART_FR & FR_RX_EMPTY) != 0u) {
        }
        data[i] = (uint8_t)UART_DR;
    }
    return 0;
}

void board_write(const uint8_t *data, uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i++) {
        while ((UART_FR & FR_TX_FULL) != 0u) {
        }
        UART_DR = data[i];
    }
}
