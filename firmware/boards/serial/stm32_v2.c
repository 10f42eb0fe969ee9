/* USART of the STM32F7 and later families: separate registers to send and to receive (RM0385, USART). With
 * lpuart = 1 among the target's settings it is an LPUART, whose divisor counts 256ths of a clock (RM0432, LPUART).
 */
#include "board.h"
#include "registers.h"
#include "serial.h"

#define UART_CR1 REGISTER(BOARD_UART + 0x00u)
#define UART_BRR REGISTER(BOARD_UART + 0x0Cu)
#define UART_ISR REGISTER(BOARD_UART + 0x1Cu)
#define UART_ICR REGISTER(BOARD_UART + 0x20u)
#define UART_RDR REGISTER(BOARD_UART + 0x24u)
#define UART_TDR REGISTER(BOARD_UART + 0x28u)

#define CR1_UE_RE_TE 0x0Du
#define ISR_OVERRUN (1u << 3)
#define ISR_RX (1u << 5)
#define ISR_TX (1u << 7)

#ifdef BOARD_LPUART
#define DIVISOR ((uint32_t)SERIAL_DIVISOR(256ull * BOARD_UART_CLOCK_HZ))
#else
#define DIVISOR SERIAL_DIVISOR(BOARD_UART_CLOCK_HZ)
#endif

void serial_init(void)
{
    UART_BRR = DIVISOR;
    UART_CR1 = CR1_UE_RE_TE;
}

int board_read(uint8_t *data, uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i++) {
        uint32_t status;
        while (((status = UART_ISR) & ISR_RX) == 0u) {
            board_alive();
        }
        if ((status & ISR_OVERRUN) != 0u) {
            UART_ICR = ISR_OVERRUN; /* a lost byte shows in the frame's CRC */
        }
        data[i] = (uint8_t)UART_RDR;
    }
    return 0;
}

void board_write(const uint8_t *data, uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i++) {
        while ((UART_ISR & ISR_TX) == 0u) {
        }
        UART_TDR = data[i];
    }
}
