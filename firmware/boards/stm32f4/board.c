/* STM32F446 at BOARD_CLOCK_HZ. */
#include "board.h"
#include "board_config.h"
#include "stm32.h"

#define UART_SR REGISTER(BOARD_UART + 0x00u)
#define UART_DR REGISTER(BOARD_UART + 0x04u)
#define UART_BRR REGISTER(BOARD_UART + 0x08u)
#define UART_CR1 REGISTER(BOARD_UART + 0x0Cu)

#define CR1_UE_TE_RE 0x200Cu
#define SR_RX (1u << 5)
#define SR_TX (1u << 7)

/* 5 wait states at 180 MHz, prefetch, instruction and data cache of the ART accelerator. */
#define FLASH_ACR_VALUE (5u | (1u << 8) | (1u << 9) | (1u << 10))

void board_init(void)
{
    stm32_clock(FLASH_ACR_VALUE);
    stm32_uart_pins();
    UART_BRR = BOARD_UART_DIVISOR;
    UART_CR1 = CR1_UE_TE_RE;
}

int board_read(uint8_t *data, uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i++) {
        while ((UART_SR & SR_RX) == 0u) {
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

void board_exit(int status)
{
    (void)status;
    for (;;) {
        __asm volatile("wfi");
    }
}
