"""Flashing through ST's boot loader: layouts, versions, protections, bad lines, cables pulled at any byte."""

from __future__ import annotations

import random

import pytest

pytest.importorskip("stm32loader")

from edgec.device.boot_rom import COMMANDS, PROTECTION, BootRom
from edgec.device.chips import BASE, chips
from edgec.device.flash import FlashOptions
from edgec.device.line import Line
from edgec.device.noise import Noise, SimulatedPort
from edgec.device.uart import INCOMPLETE, UNCHANGED, flash_line
from edgec.diagnostics import Diagnostic
from edgec.options import Silent

from .loader import LAYOUTS, MORE, flashed, holds, image, job, rom_of

IMAGE = image(51_000)
SMALL = image(5_000, seed=1)
ANY = job(SMALL)


def fails(rom: BootRom, code: str, words: str, **options: object) -> dict[str, str]:
    with pytest.raises(Diagnostic, match=f"{code}.*{words}") as caught:
        flashed(rom, ANY, **options)  # type: ignore[arg-type]
    return dict(caught.value.facts)


@pytest.mark.parametrize("id", [*LAYOUTS.values(), *MORE.values()], ids=[*LAYOUTS, *MORE])
def test_every_layout(id: int) -> None:
    rom = rom_of(id)
    before = bytes(rom.flash.contents)
    facts, _ = flashed(rom, job(IMAGE, id))
    assert holds(rom, IMAGE) and rom.running == BASE
    # No page that the image does not touch was erased.
    end = max(s.address + len(s.data) for s in IMAGE)
    untouched = [p for p in chips()[id].pages if p.address >= end]
    at = untouched[0].address - BASE
    assert rom.flash.contents[at:] == before[at:]
    assert facts["product_id"] == id and facts["failed_commands"] == 0


@pytest.mark.parametrize("baud", [115_200, 921_600])
@pytest.mark.parametrize("id", LAYOUTS.values(), ids=LAYOUTS)
def test_throughput(id: int, baud: int) -> None:
    """85 % of the line's rate: of all bytes to the board, and of all bytes both ways, one after the other."""
    size = sum(len(s.data) for s in IMAGE)
    facts, port = flashed(rom_of(id), job(IMAGE), baud=baud)
    sent, received = int(str(facts["sent"])), int(str(facts["received"]))
    assert size / sent > 0.95
    assert size / (sent + received) > 0.85
    # Reading back is as much again, and no more: 9 bytes ask for 256.
    assert port.sent < 1.1 * sent and port.received < 1.1 * size + received


@pytest.mark.parametrize(
    ("version", "commands"),
    [
        (0x20, (0x00, 0x01, 0x02, 0x11, 0x21, 0x31, 0x43, *PROTECTION)),
        (0x22, (0x00, 0x01, 0x02, 0x11, 0x21, 0x31, 0x43)),
        (0x30, COMMANDS),
        (0x31, COMMANDS + PROTECTION),
        (0x33, (*COMMANDS, *PROTECTION, 0x50, 0x51, 0xA1)),
        (0x31, (*COMMANDS, 0x32, 0x45, 0x64, 0x74, 0x83, 0x93)),
        (0x31, (0x44, 0x31, 0x21, 0x11, 0x02, 0x01, 0x00)),
    ],
    ids=["2.0", "2.2", "3.0", "3.1", "3.3", "no-stretch", "another order"],
)
@pytest.mark.parametrize("id", [0x414, 0x421], ids=["F1", "F4"])
def test_versions(id: int, version: int, commands: tuple[int, ...]) -> None:
    rom = rom_of(id, version=version, commands=commands)
    facts, _ = flashed(rom, ANY)
    assert holds(rom, SMALL)
    assert facts["boot_loader"] == f"{version >> 4}.{version & 15}"


def test_a_loader_that_cannot_erase() -> None:
    facts = fails(rom_of(0x421, commands=COMMANDS[:-1]), "E402", "refuses to erase")
    assert facts["state"] == UNCHANGED


def test_it_is_awake_already() -> None:
    rom = rom_of(0x421)
    rom.feed(b"\x7f")
    flashed(rom, ANY)
    assert holds(rom, SMALL)


@pytest.mark.parametrize(
    "half", [b"\x31\xce", b"\x31\xce\x08\x00", b"\x31\xce\x08\x00\x00\x00\x08\xff1", b"\x44\xbb\x7f"]
)
def test_it_waits_for_the_rest_of_a_command(half: bytes) -> None:
    rom = rom_of(0x421)
    rom.feed(b"\x7f" + half)
    flashed(rom, ANY)
    assert holds(rom, SMALL)


# -- chips and protections ------------------------------------------------------------


def test_the_wrong_chip() -> None:
    rom = rom_of(0x421)
    before = bytes(rom.flash.contents)
    with pytest.raises(Diagnostic, match=r"E402.*wrong chip") as caught:
        flashed(rom, job(SMALL, 0x449))
    assert dict(caught.value.facts)["have"] == "product id 0x421, STM32F446"
    assert rom.flash.contents == before


def test_a_smaller_flash() -> None:
    rom = rom_of(0x449)
    rom.flash.chip = rom.flash.chip.of_size(48 * 1024)  # what its size register says
    with pytest.raises(Diagnostic, match=r"E302.*does not fit") as caught:
        flashed(rom, job(IMAGE))
    assert dict(caught.value.facts)["have"] == "49,152 B"


def test_a_chip_that_is_not_known() -> None:
    rom = rom_of(0x421)
    rom.flash.chip = type(rom.flash.chip)(**{**rom.flash.chip.__dict__, "id": 0x7EE})
    fails(rom, "E402", "not in the table")
    flashed(rom_again(rom), ANY, pages="4x16K,64K,3x128K")
    assert holds(rom, SMALL)


def rom_again(rom: BootRom) -> BootRom:
    rom.reset()
    return rom


@pytest.mark.parametrize("tells", [True, False])
@pytest.mark.parametrize("id", [0x421, 0x460], ids=["F4", "G0"])
def test_write_protection(id: int, tells: bool) -> None:
    rom = rom_of(id, tells=tells)
    rom.flash.protected = {0, 1}
    before = bytes(rom.flash.contents)
    fails(rom, "E402", "do not change: 0")
    assert rom.flash.protected and rom.flash.contents[: 2 * 2048] == before[: 2 * 2048]
    flashed(rom, ANY, unprotect=True)
    assert holds(rom, SMALL) and not rom.flash.protected


def test_read_protection_is_lifted_by_no_one_else() -> None:
    rom = rom_of(0x449)
    rom.flash.level = 1
    before = bytes(rom.flash.contents)
    facts = fails(rom, "E402", "protected from being read")
    assert facts["state"] == UNCHANGED
    assert rom.flash.level == 1 and rom.flash.contents == before
    flashed(rom, ANY, unprotect=True)
    assert holds(rom, SMALL) and rom.flash.level == 0


def test_read_protection_that_cannot_be_lifted() -> None:
    rom = rom_of(0x449, commands=COMMANDS)
    rom.flash.level = 1
    fails(rom, "E402", "cannot lift", unprotect=True)
    rom = rom_of(0x449)
    rom.flash.level = 2
    fails(rom, "E402", "no answer")


# -- bad lines ------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("rate", [0.001, 0.01, 0.1])
@pytest.mark.parametrize("kind", ["drop", "duplicate", "flip", "delay", "all"])
@pytest.mark.parametrize("id", [0x449, 0x460], ids=["F7", "G0"])
def test_faults(id: int, kind: str, rate: float, seed: int) -> None:
    """Success or one error in its time, and flashing over a good line succeeds after it."""
    rom = rom_of(id)
    kinds = ("drop", "duplicate", "flip", "delay") if kind == "all" else (kind,)
    noise = Noise(seed, **{k: rate / len(kinds) for k in kinds})  # type: ignore[arg-type]
    try:
        flashed(rom, ANY, noise, timeout=300.0)
        assert holds(rom, SMALL) and rom.running == BASE
    except Diagnostic as error:
        said = error
        assert said.code in ("E402", "E501") and "state" in dict(said.facts) and rate > 0.001
    if rom.running is not None or rom.deaf:
        rom.reset()
    flashed(rom, ANY)
    assert holds(rom, SMALL)


def test_a_percent_is_mended() -> None:
    """What one byte in a hundred costs is time."""
    for kind in ("drop", "duplicate", "flip"):
        rom = rom_of(0x460)
        facts, _ = flashed(rom, ANY, Noise(5, **{kind: 0.01}))  # type: ignore[arg-type]
        assert holds(rom, SMALL)
        assert int(str(facts["failed_commands"])) > 0


@pytest.mark.parametrize("gone", [True, False], ids=["port gone", "silent"])
@pytest.mark.parametrize("id", LAYOUTS.values(), ids=LAYOUTS)
def test_the_cable_is_pulled(id: int, gone: bool) -> None:
    """At 20 drawn bytes and some of the first: an error says how the board is, and the next try succeeds."""
    rom = rom_of(id)
    _, port = flashed(rom, ANY)
    draw = random.Random(id)
    points = [draw.randrange(1, port.sent + port.received - 8) for _ in range(20)] + list(range(1, 60, 7))
    for cut in points:
        rom = rom_of(id)
        before = bytes(rom.flash.contents)
        with pytest.raises(Diagnostic, match="E402") as caught:
            flashed(rom, ANY, cut=cut, gone=gone)
        state = dict(caught.value.facts)["state"]
        assert state in (UNCHANGED, INCOMPLETE) or rom.running
        assert state != UNCHANGED or rom.flash.contents == before
        flashed(rom, ANY)
        assert holds(rom, SMALL) and rom.running == BASE


@pytest.mark.parametrize("limit", [10.0, 40.0])
def test_it_ends_in_time(limit: float) -> None:
    """A line that is bad enough to go on for ever is given up."""
    rom = rom_of(0x449)
    port = SimulatedPort(rom, 115_200, Noise(1, drop=0.01, delay=0.05))
    with pytest.raises(Diagnostic, match="E402") as caught:
        flash_line(ANY, Line(port, 115_200), FlashOptions(timeout=limit), Silent())
    assert dict(caught.value.facts)["reason"] == "it takes too long"
    assert limit <= port.clock() < limit + 15  # one command may be on its way


class Nacking(BootRom):
    """Refuses now and then what was right."""

    draw = random.Random(1)
    rate = 0.05

    def _say(self, data: bytes, after: float = 0.0) -> None:
        if data == b"\x79" and self.draw.random() < self.rate:
            data = b"\x1f"
        super()._say(data, after)


def test_refusals() -> None:
    rom = Nacking(rom_of(0x421).flash)
    flashed(rom, ANY)
    assert holds(rom, SMALL)


def test_flash_that_does_not_keep_what_it_gets() -> None:
    rom = rom_of(0x421)
    right = rom.flash.program

    def weak(address: int, data: bytes) -> bool:
        fine = right(address, data)
        if address <= BASE + 1000 < address + len(data):
            rom.flash.contents[1000] &= 0x0F
        return fine

    rom.flash.program = weak  # type: ignore[method-assign]
    facts = fails(rom, "E501", "something else")
    assert facts["state"] == INCOMPLETE


class Babbling(BootRom):
    """No boot loader: whatever comes, it sends text."""

    def feed(self, data: bytes) -> list[tuple[float, bytes]]:
        return [(0.0, b"Ready\r\n")]


def test_something_else_answers() -> None:
    facts = fails(Babbling(rom_of(0x421).flash), "E402", "no boot loader")
    assert facts["heard"].startswith("52 65 61 64")


def test_interrupted_by_the_user() -> None:
    rom = rom_of(0x421)
    right = rom.flash.program

    def stop(address: int, data: bytes) -> bool:
        if address > BASE + 2000:
            raise KeyboardInterrupt
        return right(address, data)

    rom.flash.program = stop  # type: ignore[method-assign]
    facts = fails(rom, "E402", "interrupted")
    assert facts["state"] == INCOMPLETE
