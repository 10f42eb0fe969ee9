"""A simulated board that is flashed before it runs, at the other end of a pseudo-terminal."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

from edgec.device.boot_rom import BootRom, Flash
from edgec.device.chips import BASE, chip_of
from edgec.device.noise import Noise
from edgec.device.virtual import Board, VirtualBoard, serve
from edgec.diagnostics import Diagnostic
from edgec.target import Target


class BootBoard:
    """A board in its boot loader; after Go the simulated board runs what is in its flash."""

    def __init__(self, rom: BootRom, target: Target) -> None:
        self.rom, self._target = rom, target
        self._board: VirtualBoard | None = None

    def feed(self, data: bytes) -> bytes:
        """Bytes that arrive; what is answered."""
        if self._board is not None:
            return self._board.feed(data)
        answer = b"".join(part for _, part in self.rom.feed(data))
        if self.rom.running is not None:
            flash = self.rom.flash
            image = bytes(flash.contents[: self._target.boot.size]).rstrip(bytes([flash.chip.erased]))
            self._board = VirtualBoard(image + bytes([flash.chip.erased]) * (-len(image) % 4), self._target)
            answer += self._board.feed(self.rom.rest())
        return answer

    def reset(self) -> None:
        """As by the reset button, with BOOT0 high."""
        self.close()
        self.rom.reset()

    def close(self) -> None:
        """Free the board that runs."""
        if self._board is not None:
            self._board.close()
            self._board = None


class NoisyBoard:
    """A board at the end of a bad line."""

    def __init__(self, board: Board, noise: Noise) -> None:
        self._board, self._noise = board, noise

    def feed(self, data: bytes) -> bytes:
        """Bytes that are sent there; what comes back."""
        return self._carry(self._board.feed(self._carry(data)))

    def _carry(self, data: bytes) -> bytes:
        arrived = b""
        for late, piece in self._noise.pieces(data):
            time.sleep(late)
            arrived += piece
        return arrived


def board_of(folder: Path, target: Target, *, boot_loader: bool) -> BootBoard | VirtualBoard:
    """The simulated board of a build: empty and in its boot loader, or with the build's firmware on it.

    Raises Diagnostic E101 for a boot loader where the target has none of ST's.
    """
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


def parse_noise(text: str) -> Noise:
    """Noise in words: "drop=0.01,flip=0.001,seed=3". Raises Diagnostic E101."""
    known: dict[str, Callable[[str], float]] = {
        **dict.fromkeys(("drop", "duplicate", "flip", "delay", "late"), float),
        "seed": int,
    }
    values: dict[str, float] = {}
    for part in filter(None, text.replace(" ", "").split(",")):
        name, _, value = part.partition("=")
        try:
            values[name] = known[name](value)
        except (KeyError, ValueError) as error:
            raise Diagnostic(
                "E101",
                f"not a fault of a line: {part}",
                where="--noise",
                facts=[("known", ", ".join(known))],
                remedies=["--noise drop=0.01,flip=0.001,seed=3: rates per byte"],
            ) from error
    return Noise(int(values.pop("seed", 0)), **values)
