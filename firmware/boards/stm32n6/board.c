/* STM32N6 at BOARD_CLOCK_HZ from the internal oscillator, both caches on (RM0486: RCC).
 *
 * The chip has no flash of its own: a debugger (development boot) or a first-stage loader puts the image into AXISRAM
 * and starts it there, and may have set any clock. The serial port runs on the oscillator itself.
 */
#include "board.h"
#include "caches.h"
#include "stm32.h"

#define RCC_CR REGISTER(RCC + 0x000u)
#define RCC_SR REGISTER(RCC + 0x004u)
#define RCC_CFGR1 REGISTER(RCC + 0x020u)
#define RCC_PLL1CFGR1 REGISTER(RCC + 0x080u)
#define RCC_PLL1CFGR2 REGISTER(RCC + 0x084u)
#define RCC_PLL1CFGR3 REGISTER(RCC + 0x088u)
#define RCC_ICCFGR(number) REGISTER(RCC + 0x0C4u + 4u * ((number)-1u))
#define RCC_CCIPR13 REGISTER(RCC + 0x174u)
#define RCC_DIVENR REGISTER(RCC + 0x240u)

#define HSI (1u << 3)
#define PLL1 (1u << 8)
#define SWITCHES ((3u << 16) | (3u << 24))
#define IN_USE ((3u << 20) | (3u << 28))
#define PLL_WHOLE_NUMBERS ((1u << 0) | (1u << 2)) /* modulation in reset and off */
#define PLL_UNDIVIDED ((1u << 24) | (1u << 27) | (1u << 30))
#define USART1_IS_HSI 6u
#define IC_ON(number) (1u << ((number)-1u))
#define DIVIDED(by) (((by)-1u) << 16)

/* 64 MHz / 4 * N: twice the core's clock. The buses get a third, the rest as the core. */
#define PLL_M 4u
#define PLL_N (BOARD_CLOCK_HZ / 8000000u)

static void clock_init(void)
{
    RCC_CR |= HSI;
    wait_for(&RCC_SR, HSI);
    RCC_CFGR1 &= ~SWITCHES;
    wait_until(&RCC_CFGR1, IN_USE, 0);
    RCC_CR &= ~PLL1;
    wait_until(&RCC_SR, PLL1, 0);
    RCC_PLL1CFGR1 = (PLL_N << 8) | (PLL_M << 20);
    RCC_PLL1CFGR2 = 0;
    RCC_PLL1CFGR3 = PLL_WHOLE_NUMBERS | PLL_UNDIVIDED;
    RCC_CR |= PLL1;
    wait_for(&RCC_SR, PLL1);
    RCC_ICCFGR(1) = DIVIDED(2u);
    RCC_ICCFGR(2) = DIVIDED(3u);
    RCC_ICCFGR(6) = DIVIDED(2u);
    RCC_ICCFGR(11) = DIVIDED(2u);
    RCC_DIVENR |= IC_ON(1) | IC_ON(2) | IC_ON(6) | IC_ON(11);
    RCC_CFGR1 |= SWITCHES;
    wait_for(&RCC_CFGR1, IN_USE);
}

void board_init(void)
{
    clock_init();
    enable_caches();
    change(&RCC_CCIPR13, 7u, USART1_IS_HSI);
    stm32_serial();
}
