"""`edgec simulate`: a board without a board, at the other end of a pseudo-terminal."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

from edgec.device.boot_board import BootBoard, NoisyBoard, parse_noise
from edgec.device.boot_rom import BootRom, Flash
from edgec.device.chips import BASE, chip_of
from edgec.device.virtual import Board, VirtualBoard, serve
from edgec.diagnostics import Diagnostic
from edgec.report import files
from edgec.target import Target


def simulate_board(folder: Path, boot_loader: bool, noise: str, seconds: float | None) -> None:
    """Serve a build's board until Ctrl-C, or for so long; prints the port's name.

    noise: faults of the line in words. Raises Diagnostic E101 as `board_of`, E402 as `at_a_port`.
    """
    faults = parse_noise(noise) if noise else None
    board = board_of(folder, files.target(folder), boot_loader=boot_loader)
    try:
        with at_a_port(NoisyBoard(board, faults) if faults else board) as port:
            print(port, flush=True)
            end = None if seconds is None else time.monotonic() + seconds
            while end is None or time.monotonic() < end:
                time.sleep(0.1)
    except KeyboardInterrupt:
        return
    finally:
        board.close()


def board_of(folder: Path, target: Target, *, boot_loader: bool) -> BootBoard | VirtualBoard:
    """The simulated board of a build: empty and in its boot loader, or with the build's firmware on it.

    Raises Diagnostic E101 for a target without a simulated board that has a serial port, and for a boot
    loader where the target has none of ST's.
    """
    if target.uart is None or target.is_qemu:
        raise Diagnostic(
            "E101",
            f"{target.name} has no simulated board with a serial port",
            where="edgec simulate",
            remedies=["edgec run DIR --on sim"],
        )
    if not boot_loader:
        return VirtualBoard.of_build(folder, target)
    chips = target.flash.chips
    if target.boot.address != BASE or not chips:
        raise Diagnostic(
            "E101",
            f"{target.name} has no boot loader of ST",
            where="--bootloader",
            remedies=["leave --bootloader out"],
        )
    chip = chip_of(chips[0], target.flash.pages).of_size(target.boot.size)
    return BootBoard(BootRom(Flash(chip)), target)


@contextmanager
def at_a_port(board: Board) -> Iterator[str]:
    """The name of a pseudo-terminal with a board behind it. Raises Diagnostic E402 where there are none."""
    master, slave = _open()
    stop = Event()
    thread = Thread(target=serve, args=(board, master, stop.is_set), daemon=True)
    thread.start()
    try:
        yield os.ttyname(slave)
    finally:
        stop.set()
        thread.join()
        os.close(master)
        os.close(slave)


def _open() -> tuple[int, int]:
    try:
        import tty

        master, slave = os.openpty()
    except (ImportError, AttributeError, OSError) as error:
        raise Diagnostic(
            "E402",
            "this system has no pseudo-terminals",
            facts=[("said", str(error))],
            remedies=["Linux and macOS have them; on Windows, WSL has"],
        ) from error
    tty.setraw(slave)
    return master, slave
