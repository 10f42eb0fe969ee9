"""Simulated boards that are flashed before they run, and boards at the end of a bad line."""

from __future__ import annotations

import time
from collections.abc import Callable

from edgec.device.boot_rom import BootRom
from edgec.device.noise import Noise
from edgec.device.virtual import Board, VirtualBoard
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
