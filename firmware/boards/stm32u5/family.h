/* Addresses of the family: registers are behind these. */
#define RCC 0x46020C00u
#define GPIO 0x42020000u
#define GPIO_ENABLE 0x8Cu
