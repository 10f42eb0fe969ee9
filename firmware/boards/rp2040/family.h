/* Addresses and resets of the chip (RP2040 datasheet). */
#define CLOCKS 0x40008000u
#define RESETS 0x4000C000u
#define IO 0x40014000u
#define PADS 0x4001C000u
#define XOSC 0x40024000u
#define PLL_SYS 0x40028000u
#define RESET_IO (1u << 5)
#define RESET_PADS (1u << 8)
#define RESET_PLL_SYS (1u << 12)
