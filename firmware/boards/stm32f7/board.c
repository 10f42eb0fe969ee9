/* STM32F7 at BOARD_CLOCK_HZ, both caches on, weights in QSPI flash where the board has one. */
#include "board.h"
#include "caches.h"
#include "stm32.h"

#include "f4_clock.inc"

/* Prefetch and ART accelerator. */
#define FLASH_ACR_VALUE (BOARD_FLASH_WAIT_STATES | (1u << 8) | (1u << 9))

#if BOARD_HAS_QSPI
#define RCC_AHB3ENR REGISTER(RCC + 0x38u)
#define QSPI 0xA0001000u
#define QSPI_CR REGISTER(QSPI + 0x00u)
#define QSPI_DCR REGISTER(QSPI + 0x04u)
#define QSPI_CCR REGISTER(QSPI + 0x14u)

/* The N25Q128A of the STM32F746G-DISCO, 16 MB, read at 108 MHz by quad output fast read (0x6B,
 * 24-bit address on one line, 8 dummy cycles), which needs no setting in the flash itself. */
static void map_qspi(void)
{
    static const uint8_t pins[6][3] = {{1, 2, 9}, {1, 6, 10}, {3, 11, 9}, {3, 12, 9}, {4, 2, 9}, {3, 13, 9}};

    RCC_AHB3ENR |= 1u << 1;
    (void)RCC_AHB3ENR;
    for (uint32_t i = 0; i < 6u; i++) {
        stm32_pin(pins[i][0], pins[i][1], pins[i][2]);
    }
    QSPI_DCR = (23u << 16) | (5u << 8);          /* 2^24 bytes, chip select high for 6 cycles */
    QSPI_CR = (1u << 24) | (1u << 4) | 1u;       /* half the core clock, sample half a cycle late, on */
    QSPI_CCR = (3u << 26) | (3u << 24) | (8u << 18) | (2u << 12) | (1u << 10) | (1u << 8) | 0x6Bu;
}
#endif

void board_init(void)
{
    clock_init(FLASH_ACR_VALUE);
#if BOARD_HAS_QSPI
    map_qspi();
#endif
    enable_caches();
    stm32_serial();
}
