"""The peripherals of a simulated board: pages of registers, and flags that come up by themselves.

Registers keep what is written. A ready flag follows the bit that asks for it, as on the
chip after its start-up time; the firmware's set-up code runs as it is, nothing else is modelled.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgec.target import Target

SYSTEM = 0xE000_E000
"""System control space: interrupt controller, SysTick, cache and FPU control, MPU."""

DWT = 0xE000_1000
"""Data watchpoint and trace: the counter of cycles."""

_RCC, _PWR, _QSPI = 0x4002_3800, 0x4000_7000, 0xA000_1000


@dataclass(frozen=True)
class ReadyFlag:
    """Reading `address` gives also the bits `mask` of `source`, shifted up by `shift`."""

    address: int
    source: int
    mask: int
    shift: int


_STM32_READY = (
    ReadyFlag(_RCC, _RCC, 0x0101_0001, 1),  # HSIRDY, HSERDY, PLLRDY of RCC_CR
    ReadyFlag(_RCC + 8, _RCC + 8, 0x3, 2),  # SWS of RCC_CFGR
    ReadyFlag(_PWR + 4, _PWR, 0x0003_4000, 0),  # VOSRDY, ODRDY, ODSWRDY of PWR_CSR
)


def register_pages(target: Target) -> list[int]:
    """Addresses of the 4 KB pages of registers that the board's firmware uses."""
    pages = {SYSTEM, DWT}
    if target.uart is not None:
        pages.add(target.uart.address & ~0xFFF)
    if target.board.startswith("stm32"):
        pages |= {_PWR, _RCC & ~0xFFF, 0x4002_0000, 0x4002_1000}  # PWR, RCC with FLASH, GPIO A to H
    if any(r.name == "qspi" for r in target.regions):
        pages.add(_QSPI)
    return sorted(pages)


def ready_flags(target: Target) -> tuple[ReadyFlag, ...]:
    """The flags the board's set-up code waits for."""
    return _STM32_READY if target.board.startswith("stm32") else ()
