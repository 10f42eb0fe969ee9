"""Where a build can run: opens the runner for `--on sim`, `host`, `qemu` or `serial:PORT`."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from edgec.cache import cache_dir
from edgec.codegen.toolchain import build_firmware, build_runner
from edgec.codegen.tools import arm_gcc, this_cpu
from edgec.diagnostics import Diagnostic
from edgec.report import files
from edgec.sim.protocol import VERSION
from edgec.sim.runner import Runner
from edgec.target import Target, load_target

if TYPE_CHECKING:
    from edgec.device.serial_link import BoardRunner

PLACES = ("sim", "host", "qemu")
SERIAL = "serial"
Place = str
"""One of PLACES, SERIAL for the board at the only serial port, or SERIAL:PORT."""


def open_runner(folder: Path, place: Place, threads: int = 1) -> Runner:
    """The runner of a build directory in a place.

    sim: the simulated board or processor, which is QEMU's for a target that is one of its boards. qemu: the
    same library on QEMU's board with this core, built by the distribution's compiler; for Linux targets
    qemu-user. host: a program on this machine. serial:PORT: the board at that port, with this build's
    firmware on it. threads: among how many the rows of a layer are shared out.
    Raises Diagnostic E101 for a place that does not exist or that the target has not, or that has no threads,
    E401 for a missing tool, E402 for a board that does not answer.
    """
    check_place(place)
    report = files.load(folder)
    target = files.target(folder)
    if threads > 1 and not (place in ("host", "qemu") and (folder / "src" / "threads.c").is_file()):
        raise Diagnostic(
            "E101",
            f"one thread only: {target.name}, {report['input_mode']} input, on {place}",
            where="--threads",
            facts=[("reason", "rows are shared out in builds for Linux targets with whole inputs")],
            remedies=["leave --threads out", "a build for cortex-a53, --on host or qemu"],
        )
    if is_serial(place):
        return at_port(folder, place.removeprefix(SERIAL).removeprefix(":"))
    if place == "host":
        return _host(folder, threads)
    if target.kind == "linux":
        return _linux(folder, target, place, threads)
    if not target.is_mcu:
        raise Diagnostic(
            "E101",
            f"{target.name} is no simulated board",
            where=f"--on {place}",
            remedies=["--on host"],
        )
    if place == "qemu":
        from edgec.sim.process import QemuRunner

        if not target.qemu:
            raise Diagnostic(
                "E101",
                f"QEMU has no board that can stand in for {target.name}",
                where="--on qemu",
                remedies=["--on sim"],
            )
        board = load_target(target.qemu)
        return QemuRunner(build_firmware(folder / "src", board, tool=arm_gcc()).elf, board)
    return simulated((folder / "firmware.elf").read_bytes(), target, folder / "src")


def simulated(elf: bytes, target: Target, source: Path) -> Runner:
    """A firmware image on the simulated board of its target. source: the library that is in it, for a target
    that only a stand-in runs. Raises Diagnostic E401 for a missing tool."""
    if target.is_qemu:
        from edgec.sim.process import QemuRunner

        board = load_target(target.qemu)
        return QemuRunner(elf if board == target else build_firmware(source, board).elf, board)
    from edgec.sim.board import SimRunner

    return SimRunner(elf, target)


def is_serial(place: Place) -> bool:
    """Whether a place is a board at a serial port."""
    return place.split(":", 1)[0] == SERIAL


def at_port(folder: Path, port: str) -> BoardRunner:
    """The board at a serial port, with a build's firmware on it. port: empty for the only one there is.

    Raises Diagnostic E101 for a build that is for no board, E402 as `BoardRunner`.
    """
    from edgec.device.ports import OPTION, SerialLine
    from edgec.device.serial_link import BoardRunner
    from edgec.device.serial_ports import one_port

    report = files.load(folder)
    target = files.target(folder)
    if target.uart is None:
        raise Diagnostic(
            "E101",
            f"{target.name} is no board with a serial port",
            where="--on serial",
            remedies=["--on host" if target.kind == "host" else "--on sim"],
        )
    line = SerialLine(one_port(port, OPTION), target.uart.baud)
    name, firmware = f"{target.name} at {line.port}", folder / "firmware.elf"
    return BoardRunner(line, name, firmware, target, report["hash"], first=secrets.randbelow(1 << 16))


def check_place(place: Place) -> None:
    """Raise Diagnostic E101 unless `place` names one."""
    if place not in PLACES and not is_serial(place):
        raise Diagnostic(
            "E101",
            f"no such place to run: {place}",
            where="--on",
            facts=[("known", f"{', '.join(PLACES)}, {SERIAL}, {SERIAL}:PORT")],
        )


def _host(folder: Path, threads: int) -> Runner:
    """The library as a program for this very processor, compiled at its first use."""
    from edgec.sim.process import HostRunner

    target, cpu = load_target("host"), this_cpu()
    program = cache_dir() / "runners" / f"{files.load(folder)['hash']}-{cpu}-{VERSION}"
    if not program.is_file():
        program.parent.mkdir(parents=True, exist_ok=True)
        made = program.with_suffix(f".{os.getpid()}")
        made.write_bytes(build_runner(folder / "src", target, native=cpu))
        made.chmod(0o755)
        made.replace(program)
    return HostRunner(program, target, threads=threads)


def _linux(folder: Path, target: Target, place: Place, threads: int) -> Runner:
    if place == "qemu":
        from edgec.sim.process import HostRunner

        return HostRunner(folder / "runner", target, threads=threads)
    from edgec.sim.linux import LinuxRunner

    return LinuxRunner(folder / "runner", target)
