"""The peripherals of a simulated board: pages of registers, and flags that come up by themselves.

Registers keep what is written. A ready flag follows the bits that ask for it, as on the chip after its
start-up time; the firmware's set-up code runs as it is. Besides, DMA from memory to memory is modelled
(firmware/simulator/dma.c), nothing else. What follows what is from the reference manuals that firmware/boards
names.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgec.target import Target

SYSTEM = 0xE000_E000
"""System control space: interrupt controller, SysTick, cache and FPU control, MPU."""

DWT = 0xE000_1000
"""Data watchpoint and trace: the counter of cycles."""

_QSPI, _DMA2 = 0xA000_1000, 0x4002_6400
PAGE = 4096


@dataclass(frozen=True)
class ReadyFlag:
    """Reading `address` gives also `bits` where the bits `mask` of `source` are `value`."""

    address: int
    bits: int
    source: int
    mask: int
    value: int


@dataclass(frozen=True)
class Devices:
    """Of a family of chips: pages with registers, flags, and what registers hold after reset, where not 0.

    watchdog, gpio: of a board whose settings ask for them, the watchdog's registers, and those of the port
    with the pin that is a mark for a meter.
    """

    pages: tuple[int, ...]
    flags: tuple[ReadyFlag, ...]
    reset: tuple[tuple[int, int], ...] = ()
    watchdog: int = 0
    gpio: int = 0


def follow(address: int, source: int, mask: int, shift: int) -> tuple[ReadyFlag, ...]:
    """Each bit of `mask` in `source`, so many places higher at `address`."""
    bits = [1 << k for k in range(32) if mask >> k & 1]
    return tuple(ReadyFlag(address, b << shift if shift >= 0 else b >> -shift, source, b, b) for b in bits)


def _one_hot(address: int, source: int, mask: int) -> tuple[ReadyFlag, ...]:
    """The number that `mask` has in `source` as a bit at `address`."""
    return tuple(ReadyFlag(address, 1 << k, source, mask, k) for k in range(mask + 1))


def _stm32(
    rcc: int, on: int, ready: int, cfgr: int, switch: int, pages: tuple[int, ...], more: tuple[ReadyFlag, ...]
) -> Devices:
    """on: bits of RCC_CR that switch oscillators and PLLs on; their flags are `ready` places higher. switch:
    the bits of the register `cfgr` that choose the clock; the clock in use is shown right above them."""
    flags = follow(rcc, rcc, on, ready) + follow(cfgr, cfgr, switch, switch.bit_length())
    return Devices((rcc & -PAGE, *pages), (*flags, *more))


def _f4_f7() -> Devices:
    rcc, power = 0x4002_3800, 0x4000_7000
    gpio = (0x4002_0000, 0x4002_1000, 0x4002_2000)
    # VOSRDY, ODRDY and ODSWRDY of PWR_CSR.
    return _stm32(rcc, 0x0101_0001, 1, rcc + 8, 3, (power, *gpio), follow(power + 4, power, 0x0003_4000, 0))


def _l4(gpio: int, switch: int) -> Devices:
    """L4, L4+, G4, G0. switch: SW of RCC_CFGR."""
    rcc, power, flash = 0x4002_1000, 0x4000_7000, 0x4002_2000
    internal = follow(rcc, rcc, 1 << 8, 2)  # HSIRDY
    return _stm32(rcc, 0x0101_0001, 1, rcc + 8, switch, (power, flash, gpio, gpio + PAGE), internal)


def _h7() -> Devices:
    rcc, power, flash = 0x5802_4400, 0x5802_4800, 0x5200_2000
    supply = tuple(ReadyFlag(power + 4, 1 << 13, power + 12, 7, value) for value in (2, 4))  # LDO, step-down
    scale = tuple(ReadyFlag(power + 24, 1 << 13, power + 24, 3 << 14, v << 14) for v in (1, 2, 3))
    internal = follow(rcc, rcc, 1, 2)  # HSIRDY
    gpio = (0x5802_0000, 0x5802_1000, 0x5802_2000)
    made = _stm32(rcc, 0x1501_0000, 1, rcc + 16, 7, (flash, *gpio), (*internal, *supply, *scale))
    return Devices(made.pages, made.flags, ((power + 12, 6),))


def _u5() -> Devices:
    rcc, power, flash, cache = 0x4602_0C00, 0x4602_0800, 0x4002_2000, 0x4003_0000
    scale = tuple(ReadyFlag(power + 12, 1 << 15, power + 12, 3 << 16, v << 16) for v in range(4))
    boost = ReadyFlag(power + 12, 1 << 14, power + 12, 1 << 18, 1 << 18)
    internal = follow(rcc, rcc, 1 << 8, 2)
    gpio = (0x4202_0000, 0x4202_1000)
    return _stm32(rcc, 0x1501_0000, 1, rcc + 28, 3, (flash, cache, *gpio), (*internal, *scale, boost))


def _nrf(clock: int, gpio: int, cache: int) -> Devices:
    return Devices((clock, gpio & -PAGE, cache), (ReadyFlag(clock + 0x100, 1, clock, 1, 1),))  # HFCLKSTARTED


def _rp(base: tuple[int, int, int, int, int, int], in_reset: int) -> Devices:
    """base: addresses of CLOCKS, RESETS, IO, PADS, XOSC, PLL_SYS. in_reset: what RESET holds after reset."""
    clocks, resets, _, _, crystal, pll = base
    flags = [
        ReadyFlag(crystal + 4, 1 << 31, crystal, 0xFFF000, 0xFAB000),
        ReadyFlag(pll, 1 << 31, pll + 4, 0x21, 0),  # LOCK
        *_one_hot(clocks + 0x38, clocks + 0x30, 3),
        *_one_hot(clocks + 0x44, clocks + 0x3C, 1),
        *(ReadyFlag(resets + 8, 1 << k, resets, 1 << k, 0) for k in range(in_reset.bit_length())),
    ]
    return Devices(base, tuple(flags), ((resets, in_reset), (pll + 4, 0x2D)))


_RP2040 = (0x4000_8000, 0x4000_C000, 0x4001_4000, 0x4001_C000, 0x4002_4000, 0x4002_8000)
_RP2350 = (0x4001_0000, 0x4002_0000, 0x4002_8000, 0x4003_8000, 0x4004_8000, 0x4005_0000)
_SSI = 0x1800_0000

_WATCHDOG, _WATCHDOGS = 0x4000_3000, {"stm32h7": 0x5800_4800}
_PORTS = {
    "stm32f4": 0x4002_0000,
    "stm32f7": 0x4002_0000,
    "stm32l4": 0x4800_0000,
    "stm32g4": 0x4800_0000,
    "stm32g0": 0x5000_0000,
    "stm32h7": 0x5802_0000,
    "stm32u5": 0x4202_0000,
}
"""Port A of STM32 families."""

DEVICES = {
    "stm32f4": _f4_f7(),
    "stm32f7": _f4_f7(),
    "stm32l4": _l4(0x4800_0000, 3),
    "stm32g4": _l4(0x4800_0000, 3),
    "stm32g0": _l4(0x5000_0000, 7),
    "stm32h7": _h7(),
    "stm32u5": _u5(),
    "nrf52": _nrf(0x4000_0000, 0x5000_0000, 0x4001_E000),
    "nrf53": _nrf(0x5000_5000, 0x5084_2500, 0x5000_1000),
    "rp2040": _rp(_RP2040, 0x01FF_FFFF),
    "rp2350": _rp(_RP2350, 0x1FFF_FFFF),
}
"""By folder of firmware/boards."""


def devices(target: Target) -> Devices:
    """What the firmware of a board finds beside memory."""
    own = DEVICES.get(target.board, Devices((), ()))
    pages = {SYSTEM, DWT, *own.pages}
    settings = dict(target.settings)
    watchdog = _WATCHDOGS.get(target.board, _WATCHDOG) if "watchdog_ms" in settings else 0
    port = _PORTS.get(target.board, 0) + 0x400 * settings["mark_port"] if "mark_pin" in settings else 0
    pages |= {address & -PAGE for address in (watchdog, port) if address}
    if target.uart is not None:
        pages.add(target.uart.address & -PAGE)
    if target.board == "rp2040":
        pages.add(_SSI)
    if any(r.name == "qspi" for r in target.regions):
        pages.add(_QSPI)
    if dma(target):
        pages.add(dma(target) & -PAGE)
    return Devices(tuple(sorted(pages)), own.flags, own.reset, watchdog, port)


def dma(target: Target) -> int:
    """The address of the DMA controller's registers; 0 where the board's firmware uses none."""
    return _DMA2 if target.fetches else 0
