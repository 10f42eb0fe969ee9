/* Addresses of the family: registers are behind these. */
#define RCC 0x40021000u
#define GPIO 0x48000000u
#define GPIO_ENABLE 0x4Cu
