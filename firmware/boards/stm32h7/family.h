/* Addresses of the family: registers are behind these. GPIO_ENABLE is that of the first core on all chips. */
#define RCC 0x58024400u
#define GPIO 0x58020000u
#define IWDG 0x58004800u
#define GPIO_ENABLE 0x140u
