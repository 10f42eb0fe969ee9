"""Chips in their boot loader, and flashing them over a line in memory."""

from __future__ import annotations

import random
from pathlib import Path

from edgec.codegen.image import Segment
from edgec.device.boot_rom import BootRom, Flash
from edgec.device.chips import BASE, chips
from edgec.device.flash import FlashOptions, Job
from edgec.device.line import Line
from edgec.device.noise import Noise, SimulatedPort
from edgec.device.uart import flash_line
from edgec.flashing import Flashing
from edgec.options import Silent
from edgec.target import Target, load_target

LAYOUTS = {"F4": 0x421, "F7": 0x449, "G0": 0x460, "H7": 0x450, "L4": 0x435}
MORE = {
    "L0": 0x447,
    "F1": 0x414,
    "F4 of two banks": 0x419,
    "U5": 0x482,
    "L1": 0x437,
    "G0 of two banks": 0x467,
}


def image(size: int, seed: int = 0) -> tuple[Segment, ...]:
    """Bytes like those of a firmware: code, a gap, weights, a block that looks erased."""
    data = bytearray(random.Random(seed).randbytes(size))
    third = size // 3 // 16 * 16
    data[third : third + 700] = b"\xff" * 700
    return Segment(BASE, bytes(data[: 2 * third])), Segment(BASE + 2 * third + 52, bytes(data[2 * third :]))


def job(segments: tuple[Segment, ...], *ids: int) -> Job:
    """What is to be written, for a target whose chips have these product ids."""
    target = load_target("stm32f746")
    return Job(Path("build"), Target(**{**target.__dict__, "flash": Flashing(chips=ids)}), segments)


def rom_of(id: int, **options: object) -> BootRom:
    """A chip in its boot loader, its flash full of something else."""
    chip = chips()[id]
    flash = Flash(chip)
    flash.contents[:] = random.Random(id).randbytes(len(flash.contents))
    return BootRom(flash, **options)  # type: ignore[arg-type]


def flashed(
    rom: BootRom,
    what: Job,
    noise: Noise | None = None,
    cut: int | None = None,
    *,
    gone: bool = True,
    baud: int = 115_200,
    **options: object,
) -> tuple[dict[str, object], SimulatedPort]:
    """Flash a chip; what was done, and the port."""
    port = SimulatedPort(rom, baud, noise, cut, gone=gone)
    chosen = FlashOptions(baud=baud, **options)  # type: ignore[arg-type]
    return flash_line(what, Line(port, baud), chosen, Silent()), port


def holds(rom: BootRom, segments: tuple[Segment, ...]) -> bool:
    """Whether the flash holds an image."""
    return all(rom.flash.read(s.address, len(s.data)) == s.data for s in segments)
