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

#if BOARD_FETCHES
#define RCC_AHB1ENR REGISTER(RCC + 0x30u)
#define AHB1ENR_DMA2 (1u << 22)
#define DMA2 0x40026400u
#define DMA2_LISR REGISTER(DMA2 + 0x00u)
#define DMA2_LIFCR REGISTER(DMA2 + 0x08u)
#define DMA2_S0CR REGISTER(DMA2 + 0x10u)
#define DMA2_S0NDTR REGISTER(DMA2 + 0x14u)
#define DMA2_S0PAR REGISTER(DMA2 + 0x18u)
#define DMA2_S0M0AR REGISTER(DMA2 + 0x1Cu)
#define DMA2_S0FCR REGISTER(DMA2 + 0x24u)

#define FLAGS 0x3Du /* of stream 0 */
#define COMPLETE (1u << 5)
#define FIFO_FULL ((1u << 2) | 3u)
/* From memory to memory, words, both addresses count on. */
#define CR_COPY ((2u << 6) | (1u << 9) | (1u << 10) | (2u << 11) | (2u << 13))
#define CR_EN 1u

#define SCB_DCIMVAC REGISTER(0xE000EF5Cu)
#define CACHED 0x20010000u /* SRAM before it is DTCM, which the cache does not serve */
#define LINE 32u

static uint32_t arriving; /* where to, 0: nothing */
static uint32_t arriving_bytes;

/* The data cache must neither write over what arrives nor keep what was there before. */
static void forget(uint32_t at, uint32_t bytes)
{
    for (const uint32_t end = at + bytes; at < end; at += LINE) {
        if (at >= CACHED) {
            SCB_DCIMVAC = at;
        }
    }
    barrier();
}

void fetch_begin(void *to, const void *from, uint32_t bytes)
{
    fetch_wait();
    arriving = (uint32_t)(uintptr_t)to;
    arriving_bytes = bytes;
    forget(arriving, bytes);
    RCC_AHB1ENR |= AHB1ENR_DMA2;
    (void)RCC_AHB1ENR; /* the clock is there after two cycles */
    DMA2_LIFCR = FLAGS;
    DMA2_S0PAR = (uint32_t)(uintptr_t)from;
    DMA2_S0M0AR = arriving;
    DMA2_S0NDTR = bytes / 4u;
    DMA2_S0FCR = FIFO_FULL;
    DMA2_S0CR = CR_COPY | CR_EN;
}

void fetch_wait(void)
{
    if (arriving == 0u) {
        return;
    }
    while ((DMA2_LISR & COMPLETE) == 0u) {
    }
    forget(arriving, arriving_bytes); /* read ahead of its time */
    arriving = 0;
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
