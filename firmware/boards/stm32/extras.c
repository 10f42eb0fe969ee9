/* What a target's settings may ask for on an STM32 (docs/device.md): watchdog_ms, the independent watchdog, which
 * resets a board that performs no steps for so long; mark_port (0 is A) and mark_pin, a pin that is high while the
 * model computes, for an external meter; with mark_steps = 1 it changes with each step, too.
 */
#include "board.h"
#include "stm32.h"

#ifdef BOARD_EXTRAS

#ifdef BOARD_WATCHDOG_MS
#ifndef IWDG
#define IWDG 0x40003000u
#endif
#define IWDG_KR REGISTER(IWDG + 0x0u)
#define IWDG_PR REGISTER(IWDG + 0x4u)
#define IWDG_RLR REGISTER(IWDG + 0x8u)
#define IWDG_SR REGISTER(IWDG + 0xCu)
#define KEY_START 0xCCCCu
#define KEY_UNLOCK 0x5555u
#define KEY_RELOAD 0xAAAAu
#define UPDATES 7u
/* Periods of its 32 kHz, by 4, 8, 16 and so on to 256; it counts 4096 of those. */
#define PERIODS(prescaler) (BOARD_WATCHDOG_MS * 32u / (4u << (prescaler)))
#define FITS(prescaler) (PERIODS(prescaler) <= 4096u)
#define PRESCALER (FITS(0) ? 0u : FITS(1) ? 1u : FITS(2) ? 2u : FITS(3) ? 3u : FITS(4) ? 4u : FITS(5) ? 5u : 6u)

_Static_assert(BOARD_WATCHDOG_MS >= 1 && BOARD_WATCHDOG_MS <= 32768, "watchdog_ms must be from 1 to 32768");
#endif

#ifdef BOARD_MARK_PIN
#define GPIO_PORT (GPIO + 0x400u * BOARD_MARK_PORT)
#define GPIO_MODER REGISTER(GPIO_PORT)
#define GPIO_ODR REGISTER(GPIO_PORT + 0x14u)
#define GPIO_BSRR REGISTER(GPIO_PORT + 0x18u)
#define HIGH (1u << BOARD_MARK_PIN)
#define LOW (HIGH << 16)

_Static_assert(BOARD_MARK_PORT <= 15 && BOARD_MARK_PIN <= 15, "mark_port and mark_pin must be from 0 to 15");
#endif

void board_extras(void)
{
#ifdef BOARD_MARK_PIN
    GPIO_BSRR = LOW;
    stm32_pin(BOARD_MARK_PORT, BOARD_MARK_PIN, 0);
    change(&GPIO_MODER, 3u << (2u * BOARD_MARK_PIN), 1u << (2u * BOARD_MARK_PIN));
#endif
#ifdef BOARD_WATCHDOG_MS
    IWDG_KR = KEY_START;
    IWDG_KR = KEY_UNLOCK;
    IWDG_PR = PRESCALER;
    IWDG_RLR = PERIODS(PRESCALER) - 1u;
    wait_until(&IWDG_SR, UPDATES, 0);
    board_alive();
#endif
}

void board_alive(void)
{
#ifdef BOARD_WATCHDOG_MS
    IWDG_KR = KEY_RELOAD;
#endif
}

void board_busy(int busy)
{
#ifdef BOARD_MARK_PIN
    GPIO_BSRR = busy ? HIGH : LOW;
#else
    (void)busy;
#endif
}

/* Before each step; with marks of steps the pin changes, so that a step is what lies between two edges. */
void board_before(void)
{
    board_alive();
#if defined(BOARD_MARK_PIN) && defined(BOARD_MARK_STEPS)
    GPIO_BSRR = (GPIO_ODR & HIGH) != 0u ? LOW : HIGH;
#endif
}

#endif
