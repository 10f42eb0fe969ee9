"""Provocations of the errors of `edgec flash`: a simulated chip behind a port in memory."""

from __future__ import annotations

import errno
import random
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from edgec.report import files
from tests.cli.invoke import Outcome, edgec
from tests.report.sample import REPORT
from tests.sim import fake

Case = Callable[[Path, pytest.MonkeyPatch], Outcome]
PORTS = [("/dev/ttyACM0", "STM32 STLink"), ("/dev/ttyUSB0", "CP2102")]


def flash(tmp: Path, *arguments: object, target: str = "stm32f746") -> Outcome:
    """`edgec flash` on a build whose image is that of the tests' own small model."""
    folder = tmp / "b"
    folder.mkdir(exist_ok=True)
    (folder / files.NAME).write_text(files.dump({**REPORT, "target": target}))
    if target == "stm32f746":
        (folder / "firmware.elf").write_bytes(fake.firmware(target).elf)
    return edgec("flash", "b", *arguments)


def at_a_chip(tmp: Path, patch: pytest.MonkeyPatch, id: int = 0x449, **state: object) -> Outcome:
    """`edgec flash` at a port with a chip in its boot loader. state: of its flash, or of the line."""
    pytest.importorskip("stm32loader")
    from edgec.device.boot_rom import BootRom, Flash
    from edgec.device.chips import chips
    from edgec.device.noise import Noise, SimulatedPort

    flash_of = Flash(chips()[id])
    flash_of.contents[:] = random.Random(0).randbytes(len(flash_of.contents))
    rom = BootRom(flash_of)
    flash_of.level = int(str(state.pop("level", 0)))
    flash_of.protected = set(state.pop("protected", ()))  # type: ignore[call-overload]
    if size := state.pop("size", None):
        flash_of.chip = flash_of.chip.of_size(int(str(size)))
    cut = state.pop("cut", None)
    heard = state.pop("says", None)
    if heard is not None:
        patch.setattr(rom, "feed", lambda data: [(0.0, heard)])
    noise = Noise(2, **state)  # type: ignore[arg-type]
    port = SimulatedPort(rom, 115_200, noise, cut)  # type: ignore[arg-type]
    patch.setattr("edgec.device.uart.open_port", lambda *_: port)
    return flash(tmp, "--port", "/dev/ttyUSB0")


def _target(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    return flash(tmp, target="cortex-a53")


def _method(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    return flash(tmp, "--method", "jtag")


def _several(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    patch.setattr("edgec.device.serial_ports.ports", lambda: PORTS)
    return flash(tmp, "--method", "uart")


def _no_image(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    flash(tmp, "--method", "jtag")
    (tmp / "b" / "firmware.elf").write_bytes(b"")
    return edgec("flash", "b")


def _small(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    return at_a_chip(tmp, patch, size=2048)


def _stm32loader(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    patch.setitem(sys.modules, "stm32loader", None)
    return flash(tmp, "--port", "/dev/ttyUSB0")


def _pyocd(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    patch.setitem(sys.modules, "pyocd", None)
    for name in [n for n in sys.modules if n.startswith("pyocd.")]:
        patch.delitem(sys.modules, name)
    return flash(tmp, "--method", "swd")


def _dfu(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    patch.setenv("PATH", "")
    return flash(tmp, "--method", "dfu")


def _openocd(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    patch.setenv("PATH", "")
    return flash(tmp, "--method", "openocd")


def _nothing(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    patch.setattr("edgec.device.methods._there", lambda module: module != "pyocd")
    patch.setattr("edgec.device.methods.shutil.which", lambda name: None)
    patch.setattr("edgec.device.methods.drives", lambda names: [])
    patch.setattr("edgec.device.methods.ports", list)
    return flash(tmp)


def _no_port(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    patch.setattr("edgec.device.serial_ports.ports", list)
    patch.setattr("edgec.device.serial_ports.PLATFORM", "linux")
    return flash(tmp, "--method", "uart")


def _no_drive(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    patch.setattr("edgec.device.methods.drives", lambda names: [])
    return flash(tmp, "--method", "file")


def _refuses_to_open(number: int) -> Case:
    def run(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
        pytest.importorskip("stm32loader")
        import serial

        def opened(*arguments: object, **options: object) -> None:
            raise serial.SerialException(number, "could not open port")

        patch.setattr(serial, "Serial", opened)
        patch.setattr("edgec.device.serial_ports.ports", lambda: PORTS)
        patch.setattr("edgec.device.serial_ports.PLATFORM", "linux")
        return flash(tmp, "--port", "/dev/ttyUSB9")

    return run


def _no_answer(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    return at_a_chip(tmp, patch, level=2)


def _garbage(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    return at_a_chip(tmp, patch, says=b"Ready.\r\n")


def _wrong_chip(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    return at_a_chip(tmp, patch, id=0x421)


def _read_protected(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    return at_a_chip(tmp, patch, level=1)


def _write_protected(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    return at_a_chip(tmp, patch, protected=(0, 1))


def _unplugged(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    return at_a_chip(tmp, patch, cut=4000)


def _bad_line(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    return at_a_chip(tmp, patch, drop=0.1)


def _stuck_bit(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    from edgec.device.boot_rom import Flash

    right = Flash.program

    def weak(self: Flash, address: int, data: bytes) -> bool:
        fine = right(self, address, data)
        self.contents[600] = 0
        return fine

    patch.setattr(Flash, "program", weak)
    return at_a_chip(tmp, patch)


BOARD_CASES: dict[str, Case] = {
    "E101-flash-target": _target,
    "E101-flash-method": _method,
    "E101-flash-ports": _several,
    "E105-flash-image": _no_image,
    "E302-flash-chip": _small,
    "E401-flash-stm32loader": _stm32loader,
    "E401-flash-pyocd": _pyocd,
    "E401-flash-dfu-util": _dfu,
    "E401-flash-openocd": _openocd,
    "E402-flash-nothing": _nothing,
    "E402-flash-no-port": _no_port,
    "E402-flash-no-drive": _no_drive,
    "E402-flash-no-such-port": _refuses_to_open(errno.ENOENT),
    "E402-flash-in-use": _refuses_to_open(errno.EBUSY),
    "E402-flash-permission": _refuses_to_open(errno.EACCES),
    "E402-flash-no-answer": _no_answer,
    "E402-flash-garbage": _garbage,
    "E402-flash-wrong-chip": _wrong_chip,
    "E402-flash-read-protected": _read_protected,
    "E402-flash-write-protected": _write_protected,
    "E402-flash-unplugged": _unplugged,
    "E402-flash-bad-line": _bad_line,
    "E501-flash": _stuck_bit,
}
