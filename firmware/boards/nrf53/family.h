/* Addresses of the application core, seen from its secure state (nRF5340 product specification). */
#define CLOCK 0x50005000u
#define GPIO 0x50842500u
#define GPIO_OUTSET 0x008u
#define GPIO_DIRSET 0x018u
