/* Addresses of the family, seen from the secure state it starts in: registers are behind these. */
#define RCC 0x56028000u
#define GPIO 0x56020000u
#define IWDG 0x56004800u
#define GPIO_ENABLE 0x25Cu
