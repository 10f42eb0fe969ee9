/* STM32F746 at BOARD_CLOCK_HZ, both caches on, weights in QSPI flash where the board has one. */
#include "board.h"
#include "board_config.h"
#include "stm32.h"

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

/* 7 wait states at 216 MHz, prefetch and ART accelerator. */
#define FLASH_ACR_VALUE (7u | (1u << 8) | (1u << 9))

#define SCB_CCR REGISTER(0xE000ED14u)
#define SCB_CCSIDR REGISTER(0xE000ED80u)
#define SCB_CSSELR REGISTER(0xE000ED84u)
#define SCB_ICIALLU REGISTER(0xE000EF50u)
#define SCB_DCISW REGISTER(0xE000EF60u)
#define CCR_INSTRUCTION_CACHE (1u << 17)
#define CCR_DATA_CACHE (1u << 16)

static void barrier(void) { __asm volatile("dsb\nisb" ::: "memory"); }

/* Both caches come up with random contents: invalidate, then switch on. */
static void enable_caches(void)
{
    uint32_t sets;
    uint32_t ways;

    SCB_ICIALLU = 0;
    barrier();
    SCB_CCR |= CCR_INSTRUCTION_CACHE;
    barrier();
    SCB_CSSELR = 0;
    barrier();
    sets = (SCB_CCSIDR >> 13) & 0x7FFFu;
    ways = (SCB_CCSIDR >> 3) & 0x3FFu;
    for (uint32_t set = 0; set <= sets; set++) {
        for (uint32_t way = 0; way <= ways; way++) {
            SCB_DCISW = (set << 5) | (way << 30);
        }
    }
    barrier();
    SCB_CCR |= CCR_DATA_CACHE;
    barrier();
}

#if BOARD_HAS_QSPI
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
    stm32_clock(FLASH_ACR_VALUE);
#if BOARD_HAS_QSPI
    map_qspi();
#endif
    enable_caches();
    stm32_uart_pins();
    UART_BRR = BOARD_UART_DIVISOR;
    UART_CR1 = CR1_UE_RE_TE;
}

int board_read(uint8_t *data, uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i++) {
        uint32_t status;
        while (((status = UART_ISR) & ISR_RX) == 0u) {
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

void board_exit(int status)
{
    (void)status;
    for (;;) {
        __asm volatile("wfi");
    }
}
