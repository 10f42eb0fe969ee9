/* Addresses and resets of the chip (RP2350 datasheet). */
#define CLOCKS 0x40010000u
#define RESETS 0x40020000u
#define IO 0x40028000u
#define PADS 0x40038000u
#define XOSC 0x40048000u
#define PLL_SYS 0x40050000u
#define RESET_IO (1u << 6)
#define RESET_PADS (1u << 9)
#define RESET_PLL_SYS (1u << 14)
