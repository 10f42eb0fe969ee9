/* RP2040 and RP2350 at BOARD_CLOCK_HZ from the crystal of 12 MHz (RP2040 and RP2350 datasheets: clocks, PLL,
 * resets). Settings: pll_multiplier, pll_divisor1, pll_divisor2.
 */
#include "board.h"
#include "board_config.h"
#include "family.h"
#include "registers.h"
#include "serial.h"

#define RESETS_RESET REGISTER(RESETS + 0x0u)
#define RESETS_DONE REGISTER(RESETS + 0x8u)
#define XOSC_CTRL REGISTER(XOSC + 0x0u)
#define XOSC_STATUS REGISTER(XOSC + 0x4u)
#define XOSC_STARTUP REGISTER(XOSC + 0xCu)
#define PLL_CS REGISTER(PLL_SYS + 0x0u)
#define PLL_PWR REGISTER(PLL_SYS + 0x4u)
#define PLL_FBDIV REGISTER(PLL_SYS + 0x8u)
#define PLL_PRIM REGISTER(PLL_SYS + 0xCu)
#define CLK_REF_CTRL REGISTER(CLOCKS + 0x30u)
#define CLK_REF_SELECTED REGISTER(CLOCKS + 0x38u)
#define CLK_SYS_CTRL REGISTER(CLOCKS + 0x3Cu)
#define CLK_SYS_SELECTED REGISTER(CLOCKS + 0x44u)
#define CLK_PERI_CTRL REGISTER(CLOCKS + 0x48u)

#define CRYSTAL_HZ 12000000u
#define XOSC_ON 0xFABAA0u
#define XOSC_STABLE (1u << 31)
#define STARTUP_OF_A_MILLISECOND ((CRYSTAL_HZ / 1000u + 128u) / 256u)
#define REF_IS_CRYSTAL 2u
#define SYS_IS_PLL 1u
#define PERI_ON (1u << 11)
#define PWR_OFF 0x21u
#define PWR_DIVISORS_OFF (1u << 3)
#define PLL_LOCK (1u << 31)
#define PAD_INPUT (1u << 6)
#define PAD_NO_OUTPUT_OR_ISOLATED ((1u << 7) | (1u << 8))

_Static_assert(CRYSTAL_HZ / (BOARD_PLL_DIVISOR1 * BOARD_PLL_DIVISOR2) * BOARD_PLL_MULTIPLIER == BOARD_CLOCK_HZ,
               "the PLL's settings do not give the clock");

static void out_of_reset(uint32_t bits)
{
    RESETS_RESET &= ~bits;
    wait_for(&RESETS_DONE, bits);
}

static void clock_init(void)
{
    XOSC_STARTUP = STARTUP_OF_A_MILLISECOND;
    XOSC_CTRL = XOSC_ON;
    wait_for(&XOSC_STATUS, XOSC_STABLE);
    CLK_REF_CTRL = REF_IS_CRYSTAL;
    wait_for(&CLK_REF_SELECTED, 1u << REF_IS_CRYSTAL);
    out_of_reset(RESET_PLL_SYS);
    PLL_CS = 1u; /* the crystal, undivided */
    PLL_FBDIV = BOARD_PLL_MULTIPLIER;
    PLL_PWR &= ~PWR_OFF;
    wait_for(&PLL_CS, PLL_LOCK);
    PLL_PRIM = (BOARD_PLL_DIVISOR1 << 16) | (BOARD_PLL_DIVISOR2 << 12);
    PLL_PWR &= ~PWR_DIVISORS_OFF;
    CLK_SYS_CTRL = SYS_IS_PLL;
    wait_for(&CLK_SYS_SELECTED, 1u << SYS_IS_PLL);
    CLK_PERI_CTRL = PERI_ON; /* at the core's clock */
}

static void pin(uint32_t number)
{
    change(&REGISTER(PADS + 4u + 4u * number), PAD_NO_OUTPUT_OR_ISOLATED, PAD_INPUT);
    REGISTER(IO + 4u + 8u * number) = BOARD_UART_FUNCTION;
}

void board_init(void)
{
    clock_init();
    out_of_reset(RESET_IO | RESET_PADS);
    out_of_reset(1u << BOARD_UART_ENABLE_BIT);
    pin(BOARD_TX_PIN);
    pin(BOARD_RX_PIN);
    serial_init();
}
