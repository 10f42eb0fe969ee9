/* USART of the STM32F4: one status and one data register (RM0390, USART). */
#include "board.h"
#include "registers.h"
#include "serial.h"

#define UART_SR REGISTER(BOARD_UART + 0x00u)
#define UART_DR REGISTER(BOARD_UART + 0x04u)
#define UART_BRR REGISTER(BOARD_UART + 0x08u)
#define UART_CR1 REGISTER(BOARD_UART + 0x0Cu)

#define CR1_UE_TE_RE 0x200Cu
#define SR_RX (1u << 5)
#define SR_TX (1u << 7)

void serial_init(void)
{
    UART_BRR = SERIAL_DIVISOR(BOARD_UART_CLOCK_HZ);
    UART_CR1 = CR1_UE_TE_RE;
}

int board_read(uint8_t *data, uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i++) {
        while ((UART_SR & SR_RX) == 0u) {
            board_alive();
        }
        data[i] = (uint8_t)UART_DR; /* clears an overrun too; the frame's CRC shows the loss */
    }
    return 0;
}

void board_write(const uint8_t *data, uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i++) {
        while ((UART_SR & SR_TX) == 0u) {
        }
        UART_DR = data[i];
    }
}
