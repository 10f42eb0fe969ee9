/* Arm MPS2 as QEMU models it: a CMSDK UART, and semihosting to end. */
#include "board.h"
#include "board_config.h"

#define UART_DATA (*(volatile uint32_t *)(BOARD_UART + 0x00u))
#define UART_STATE (*(volatile uint32_t *)(BOARD_UART + 0x04u))
#define UART_CTRL (*(volatile uint32_t *)(BOARD_UART + 0x08u))
#define UART_BAUDDIV (*(volatile uint32_t *)(BOARD_UART + 0x10u))

#define STATE_TX_FULL 1u
#define STATE_RX_FULL 2u
#define CTRL_TX_RX 3u

#define SYS_EXIT 0x18
#define ADP_APPLICATION_EXIT 0x20026
#define ADP_RUN_TIME_ERROR 0x20023

void board_init(void)
{
    UART_BAUDDIV = BOARD_UART_DIVISOR;
    UART_CTRL = CTRL_TX_RX;
}

int board_read(uint8_t *data, uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i++) {
        while ((UART_STATE & STATE_RX_FULL) == 0u) {
        }
        data[i] = (uint8_t)UART_DATA;
    }
    return 0;
}

void board_write(const uint8_t *data, uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i++) {
        while ((UART_STATE & STATE_TX_FULL) != 0u) {
        }
        UART_DATA = data[i];
    }
}

void board_exit(int status)
{
    register int operation __asm("r0") = SYS_EXIT;
    register int reason __asm("r1") = status == 0 ? ADP_APPLICATION_EXIT : ADP_RUN_TIME_ERROR;

    for (;;) {
        __asm volatile("bkpt 0xAB" : "+r"(operation) : "r"(reason) : "memory");
    }
}
