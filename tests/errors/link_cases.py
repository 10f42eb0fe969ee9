"""Provocations of the errors of boards at a serial port: a simulated board at a line in memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgec.codegen.toolchain import build_firmware
from edgec.device.virtual import VirtualBoard
from edgec.report import files
from edgec.sim import protocol
from edgec.target import load_target
from tests.cli.invoke import Outcome, edgec
from tests.device.lines import DirectLine, NoisyLine, ScriptedBoard
from tests.report.sample import REPORT
from tests.sim import fake

Case = Callable[[Path, pytest.MonkeyPatch], Outcome]
HASH = "0123456789abcdef"


def run(tmp: Path, patch: pytest.MonkeyPatch, line: DirectLine, hash: str = HASH) -> Outcome:
    """`edgec run` on a build of the tests' own small model at a line."""
    folder = tmp / "b"
    folder.mkdir()
    (folder / files.NAME).write_text(files.dump({**REPORT, "target": "stm32f746", "hash": hash}))
    elf = tmp / "board.elf"
    (folder / "firmware.elf").write_bytes(elf.read_bytes() if elf.exists() else b"")
    np.save("x.npy", np.zeros((1, 4, 2, 3), np.int8))
    patch.setattr("edgec.device.ports.SerialLine", lambda port, baud: named(line, port))
    return edgec("run", "b", "--on", "serial:/dev/ttyACM0", "--input", "x.npy")


def named(line: DirectLine, port: str) -> DirectLine:
    line.port = port  # type: ignore[attr-defined]
    return line


def board(folder: Path, name: str = "stm32f746", damage: bool = False, fault: str = "") -> VirtualBoard:
    """The small model, built for a board, on the simulated stm32f746."""
    source = fake.variant(folder / "model", fault or "(void)(arena)", target=name)
    firmware = build_firmware(source, load_target("stm32f746"), stack_bytes=1024)
    (folder / "board.elf").write_bytes(firmware.elf)
    flash = bytearray(firmware.image.binaries(load_target("stm32f746"))["flash"])
    if damage:
        flash[firmware.image.sections[".weights"][0] - 0x0800_0000] ^= 1
    return VirtualBoard(bytes(flash), load_target("stm32f746"))


def _silent(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    return run(tmp, patch, DirectLine(ScriptedBoard(lambda data: b"")))


def _garbage(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    return run(
        tmp, patch, DirectLine(ScriptedBoard(lambda data: b"*** Booting Zephyr OS build v3.7.0 ***\r\n"))
    )


def _board(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    return run(tmp, patch, DirectLine(board(tmp, "stm32h743")))


def _build(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    return run(tmp, patch, DirectLine(board(tmp)), hash="fedcba9876543210")


def _version(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    patch.setattr("edgec.sim.runner.VERSION", protocol.VERSION + 1)
    patch.setattr("edgec.device.serial_link.VERSION", protocol.VERSION + 1)
    return run(tmp, patch, DirectLine(board(tmp)))


def _weights(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    return run(tmp, patch, DirectLine(board(tmp, damage=True)))


def _line(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    """Quiet until the board is known, then so bad that nothing gets through."""
    made = board(tmp)
    line = NoisyLine(made, 1, 0.0)
    heard = made.feed

    def feed(data: bytes) -> bytes:
        line.rate = 0.5 if data[1:2] == b"P" else line.rate
        return heard(data)

    patch.setattr(made, "feed", feed)
    return run(tmp, patch, line)


def _noise(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    return run(tmp, patch, NoisyLine(board(tmp), 5, 0.1, ("drop",)))


def _restarted(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    made = board(tmp)
    heard = made.feed

    def feed(data: bytes) -> bytes:
        if data[1:2] == b"P":
            made.reset()
        return heard(data)

    patch.setattr(made, "feed", feed)
    return run(tmp, patch, DirectLine(made))


def _fault(tmp: Path, patch: pytest.MonkeyPatch) -> Outcome:
    made = board(tmp, fault="do { (void)(arena); *(volatile uint8_t *)0x60000000u = 1; } while (0)")
    patch.setattr("edgec.run_io.pack", lambda arrays, ports: fake.inputs(1))
    return run(tmp, patch, DirectLine(made))


LINK_CASES: dict[str, Case] = {
    "E402-link-silent": _silent,
    "E402-link-garbage": _garbage,
    "E402-link-board": _board,
    "E402-link-build": _build,
    "E402-link-version": _version,
    "E402-link-weights": _weights,
    "E402-link-line": _line,
    "E402-link-noise": _noise,
    "E402-link-restarted": _restarted,
    "E501-link-fault": _fault,
}
