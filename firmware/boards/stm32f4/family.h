/* Addresses of the family: registers are behind these. */
#define RCC 0x40023800u
#define GPIO 0x40020000u
#define GPIO_ENABLE 0x30u
