/* Nordic's UARTE (nRF52840 and nRF5340 product specifications): bytes go by EasyDMA, which reaches RAM alone. */
#include "board.h"
#include "registers.h"
#include "serial.h"

#define TASKS_STARTRX REGISTER(BOARD_UART + 0x000u)
#define TASKS_STARTTX REGISTER(BOARD_UART + 0x008u)
#define EVENTS_ENDRX REGISTER(BOARD_UART + 0x110u)
#define EVENTS_ENDTX REGISTER(BOARD_UART + 0x120u)
#define UARTE_ENABLE REGISTER(BOARD_UART + 0x500u)
#define PSEL_TXD REGISTER(BOARD_UART + 0x50Cu)
#define PSEL_RXD REGISTER(BOARD_UART + 0x514u)
#define BAUDRATE REGISTER(BOARD_UART + 0x524u)
#define RXD_PTR REGISTER(BOARD_UART + 0x534u)
#define RXD_MAXCNT REGISTER(BOARD_UART + 0x538u)
#define TXD_PTR REGISTER(BOARD_UART + 0x544u)
#define TXD_MAXCNT REGISTER(BOARD_UART + 0x548u)

#define ENABLE_UARTE 8u
#define MOST_BYTES 0xFFFFu
#define PIN(port, pin) (((port) << 5) | (pin))

void serial_init(void)
{
    PSEL_TXD = PIN(BOARD_TX_PORT, BOARD_TX_PIN);
    PSEL_RXD = PIN(BOARD_RX_PORT, BOARD_RX_PIN);
    BAUDRATE = BOARD_BAUD_REGISTER;
    UARTE_ENABLE = ENABLE_UARTE;
}

static uint32_t smaller(uint32_t a, uint32_t b) { return a < b ? a : b; }

/* Between two blocks the port's FIFO holds six bytes; a lost one shows in the frame's CRC. */
int board_read(uint8_t *data, uint32_t bytes)
{
    while (bytes > 0u) {
        const uint32_t count = smaller(bytes, MOST_BYTES);
        EVENTS_ENDRX = 0;
        RXD_PTR = (uint32_t)(uintptr_t)data;
        RXD_MAXCNT = count;
        TASKS_STARTRX = 1;
        while (EVENTS_ENDRX == 0u) {
        }
        __asm volatile("dmb" ::: "memory");
        data += count;
        bytes -= count;
    }
    return 0;
}

/* What is sent may be in flash: it goes through a buffer. */
void board_write(const uint8_t *data, uint32_t bytes)
{
    static uint8_t buffer[64];

    while (bytes > 0u) {
        const uint32_t count = smaller(bytes, sizeof buffer);
        for (uint32_t i = 0; i < count; i++) {
            buffer[i] = data[i];
        }
        __asm volatile("dmb" ::: "memory");
        EVENTS_ENDTX = 0;
        TXD_PTR = (uint32_t)(uintptr_t)buffer;
        TXD_MAXCNT = count;
        TASKS_STARTTX = 1;
        while (EVENTS_ENDTX == 0u) {
        }
        data += count;
        bytes -= count;
    }
}
