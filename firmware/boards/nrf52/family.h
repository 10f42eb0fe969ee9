/* Addresses of the family (nRF52840 product specification). */
#define CLOCK 0x40000000u
#define GPIO 0x50000000u
#define GPIO_OUTSET 0x508u
#define GPIO_DIRSET 0x518u
