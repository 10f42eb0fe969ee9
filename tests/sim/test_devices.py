"""Set-up code on simulated registers: they add up to the target's clock, and waits end for a reason."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edgec.codegen.board_config import board_config
from edgec.codegen.seal import boot_checksum
from edgec.diagnostics import Diagnostic
from edgec.sim.board import SimRunner
from edgec.sim.devices import DEVICES, devices
from edgec.target import Target, load_target, targets

from . import fake

BOARDS = [t.name for n in targets() if (t := load_target(n)).uart is not None and not t.is_qemu]
_POWERS = {0: 1, 4: 2, 5: 4, 6: 8, 7: 16}
"""What a prescaler of an STM32 bus divides by, by its code."""


class Registers:
    """What the firmware has left in the registers of a board."""

    def __init__(self, runner: SimRunner, target: Target) -> None:
        self._board, self._pages = runner._board, devices(target).pages

    def __call__(self, address: int, low: int = 0, bits: int = 32) -> int:
        page = self._pages.index(address & -4096)
        return int(self._board.registers[page][address % 4096 // 4]) >> low & ((1 << bits) - 1)


def clocks(read: Registers, target: Target) -> tuple[float, float]:
    """Hertz of the core and of the serial port, by the formulas of the reference manuals."""
    assert target.uart is not None
    family = target.board
    if family in ("stm32f4", "stm32f7"):
        pll, cfgr = 0x4002_3804, 0x4002_3808
        core = 16e6 / read(pll, 0, 6) * read(pll, 6, 9) / (2 * read(pll, 16, 2) + 2)
        assert read(cfgr, 0, 2) == 2 and read(cfgr, 4, 4) == 0
        return core, core / _POWERS[read(cfgr, 13 if target.uart.address & 0x1_0000 else 10, 3)]
    if family in ("stm32l4", "stm32g4", "stm32g0"):
        pll, cfgr, small = 0x4002_100C, 0x4002_1008, family == "stm32g0"
        r = read(pll, 29, 3) + 1 if small else 2 * read(pll, 25, 2) + 2
        assert (
            read(cfgr) == (2 if small else 3) and read(pll, 0, 2) == 2 and read(pll, 28 if small else 24, 1)
        )
        assert small or target.clock_hz <= 80e6 or read(0x4000_7080, 8, 1) == 0
        core = 16e6 / (read(pll, 4, 3) + 1) * read(pll, 8, 7) / r
        return core, core
    if family == "stm32h7":
        rcc = 0x5802_4400
        core = 64e6 / read(rcc + 0x28, 4, 6) * (read(rcc + 0x30, 0, 9) + 1) / (read(rcc + 0x30, 9, 7) + 1)
        assert read(rcc + 0x10, 0, 3) == 3
        ahb = core / {0: 1, 8: 2}[read(rcc + 0x18, 0, 4)]
        return core, ahb / _POWERS[read(rcc + 0x1C, 4, 3)]
    if family == "stm32u5":
        pll, div = 0x4602_0C28, 0x4602_0C34
        assert read(0x4602_0C1C, 0, 2) == 3 and read(pll, 0, 2) == 2 and read(pll, 18, 1)
        core = 16e6 / (read(pll, 8, 4) + 1) * (read(div, 0, 9) + 1) / (read(div, 24, 7) + 1)
        return core, core
    if family in ("rp2040", "rp2350"):
        pll = DEVICES[family].pages[5]
        parts = read(pll, 0, 6) * read(pll + 12, 16, 3) * read(pll + 12, 12, 3)
        return 12e6 * read(pll + 8) / parts, 12e6 * read(pll + 8) / parts
    core = 64e6 if family == "nrf52" else 128e6 / (1 + read(0x5000_5558))
    return core, 16e6


def baud(read: Registers, target: Target, clock: float) -> float:
    """Bits a second, by the serial port's own formula."""
    uart = target.uart
    assert uart is not None
    if uart.kind == "uarte":
        return clock * read(uart.address + 0x524) / 2**32
    if uart.kind == "pl011":
        return clock / 16 / (read(uart.address + 0x24) + read(uart.address + 0x28) / 64)
    divisor = read(uart.address + (8 if uart.kind == "stm32_v1" else 12))
    return clock * (256 if dict(target.settings).get("lpuart") else 1) / divisor


@pytest.mark.parametrize("name", BOARDS)
def test_clock_and_baud_rate(name: str) -> None:
    target = load_target(name)
    with SimRunner(fake.firmware(name).elf, target) as runner:
        read = Registers(runner, target)
        core, port = clocks(read, target)
        assert core == pytest.approx(target.clock_hz)
        assert target.uart is not None and port == pytest.approx(target.uart.clock_hz)
        assert baud(read, target, port) == pytest.approx(target.uart.baud, rel=0.01)


@pytest.mark.parametrize("name", BOARDS)
def test_every_wait_is_for_what_asked(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A flag is down after reset, up after what the firmware wrote; without flags the firmware hangs."""
    target = load_target(name)
    found = devices(target)
    held = dict(found.reset)
    waited = {f.address for f in found.flags}
    assert all(held.get(f.source, 0) & f.mask != f.value for f in found.flags if f.value)
    with SimRunner(fake.firmware(name).elf, target) as runner:
        read = Registers(runner, target)
        up = {f.address for f in found.flags if read(f.source) & f.mask == f.value}
    assert up and up <= waited
    monkeypatch.setattr("edgec.sim.machine.devices", lambda t: replace(devices(t), flags=()))
    with pytest.raises(Diagnostic) as raised:
        SimRunner(fake.firmware(name).elf, target, limit=100_000)
    assert dict(raised.value.facts)["why"] == "no end after 100,000 instructions"


def test_a_second_stage_with_a_wrong_checksum_does_not_start() -> None:
    elf = fake.firmware("rp2040").elf
    image = fake.firmware("rp2040").image
    stage = next(s.data for s in image.segments if s.address == 0x1000_0000)[:256]
    assert int.from_bytes(stage[252:], "little") == boot_checksum(stage[:252]) != 0
    at = elf.index(stage)
    with pytest.raises(Diagnostic) as raised:
        SimRunner(elf[: at + 8] + bytes([elf[at + 8] ^ 1]) + elf[at + 9 :], load_target("rp2040"))
    assert dict(raised.value.facts)["why"] == "the checksum of the second boot stage is wrong"


def test_checksum_of_the_boot_rom() -> None:
    """The parameters of CRC-32/MPEG-2, whose check value is known."""
    assert boot_checksum(b"123456789") == 0x0376_E6E7


def test_an_image_without_its_definition_does_not_start() -> None:
    elf = fake.firmware("rp2350").elf
    at = elf.index(bytes.fromhex("d3deffff42012110"))
    with pytest.raises(Diagnostic) as raised:
        SimRunner(elf[:at] + bytes(4) + elf[at + 4 :], load_target("rp2350"))
    assert "IMAGE_DEF" in dict(raised.value.facts)["why"]


def test_dma_reaches_ram_alone() -> None:
    """Where the simulated DMA has no RAM, no byte comes in: the firmware's first request gets no answer."""
    target = load_target("nrf52840")
    with SimRunner(fake.firmware("nrf52840").elf, target, limit=1_000_000) as runner:
        runner._board.ram_bytes = 0
        with pytest.raises(Diagnostic) as raised:
            runner.identify()
    assert raised.value.code == "E501"


def test_facts_for_the_compiler() -> None:
    lines = board_config(load_target("nrf5340")).splitlines()
    assert "#define BOARD_TX_PORT 0u" in lines and "#define BOARD_TX_PIN 20u" in lines
    lines = board_config(load_target("stm32l4r5")).splitlines()
    assert "#define BOARD_RX_PORT 6u" in lines and "#define BOARD_UART_ENABLE_OFFSET 92u" in lines
