"""Where a build can run: opens the runner for `--on sim`, `host`, `qemu` or `serial:PORT`."""

from __future__ import annotations

from pathlib import Path

from edgec.codegen.toolchain import build_firmware, build_runner
from edgec.codegen.tools import arm_gcc, cache_dir
from edgec.diagnostics import Diagnostic
from edgec.report import files
from edgec.sim.runner import Runner
from edgec.target import Target, load_target

PLACES = ("sim", "host", "qemu")
SERIAL = "serial:"
Place = str
"""One of PLACES, or SERIAL and the name of a port."""


def open_runner(folder: Path, place: Place) -> Runner:
    """The runner of a build directory in a place.

    sim: the simulated board, which is QEMU's for a target that is one of its boards. qemu: the same
    library on QEMU's board with this core, built by the distribution's compiler; for Linux targets
    qemu-user. host: a program on this machine. serial:PORT: the board at that port, with this build's
    firmware on it.
    Raises Diagnostic E101 for a place that does not exist or that the target has not, E401 for
    a missing tool, E402 for a board that does not answer.
    """
    check_place(place)
    report = files.load(folder)
    target = load_target(report["target"])
    if place.startswith(SERIAL):
        from edgec.device.serial_link import SerialRunner

        port = place.removeprefix(SERIAL)
        return SerialRunner(port, folder / "firmware.elf", target, report["hash"])
    if place == "host":
        return _host(folder, target)
    if not target.is_mcu:
        if place == "qemu" and target.kind == "linux":
            return _host(folder, target)
        raise Diagnostic(
            "E101",
            f"{target.name} is no simulated board",
            where=f"--on {place}",
            remedies=["--on host"],
        )
    if place == "qemu":
        board = load_target(target.qemu)
        return simulated(build_firmware(folder / "src", board, tool=arm_gcc()).elf, board)
    return simulated((folder / "firmware.elf").read_bytes(), target)


def simulated(elf: bytes, target: Target) -> Runner:
    """A firmware image on the simulated board of its target, which is QEMU's for a target that is one of its
    boards. Raises Diagnostic E401 for a missing tool."""
    if target.is_qemu:
        from edgec.sim.process import QemuRunner

        return QemuRunner(elf, target)
    from edgec.sim.board import SimRunner

    return SimRunner(elf, target)


def check_place(place: Place) -> None:
    """Raise Diagnostic E101 unless `place` names one."""
    if place not in PLACES and not (place.startswith(SERIAL) and place != SERIAL):
        raise Diagnostic(
            "E101",
            f"no such place to run: {place}",
            where="--on",
            facts=[("known", f"{', '.join(PLACES)}, {SERIAL}PORT")],
        )


def _host(folder: Path, target: Target) -> Runner:
    from edgec.sim.process import HostRunner

    if target.is_mcu:
        target = load_target("host")
        program = cache_dir() / "runners" / files.load(folder)["hash"]
        if not program.is_file():
            program.parent.mkdir(parents=True, exist_ok=True)
            made = program.with_suffix(".new")
            made.write_bytes(build_runner(folder / "src", target))
            made.chmod(0o755)
            made.replace(program)
        return HostRunner(program, target)
    return HostRunner(folder / "runner", target)
