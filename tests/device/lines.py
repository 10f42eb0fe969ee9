"""Lines to a simulated board without a pseudo-terminal: time is simulated, and bytes get lost by a seed."""

from __future__ import annotations

import random
from collections.abc import Callable

from edgec.device.virtual import Board

KINDS = ("drop", "double", "flip", "delay")


class DirectLine:
    """Bytes to a board and back at once; silence takes simulated seconds."""

    baud = 115_200

    def __init__(self, board: Board) -> None:
        self._board, self._coming, self._time = board, b"", 0.0
        self.written = 0

    def write(self, data: bytes) -> None:
        self.written += len(data)
        self._time += 10 * len(data) / self.baud
        self._coming += self.back(self._board.feed(self.there(data)))

    def read(self, seconds: float) -> bytes:
        data, self._coming = self._coming, b""
        self._time += 10 * len(data) / self.baud if data else seconds
        return data

    def now(self) -> float:
        return self._time

    def close(self) -> None:
        pass

    def there(self, data: bytes) -> bytes:
        """What arrives at the board."""
        return data

    def back(self, data: bytes) -> bytes:
        """What arrives at the host."""
        return data


class NoisyLine(DirectLine):
    """A line that loses, doubles, damages and delays single bytes, each with a chance of `rate`.

    A delayed byte comes, with all behind it, before what is sent next in its direction.
    """

    def __init__(self, board: Board, seed: int, rate: float, kinds: tuple[str, ...] = KINDS) -> None:
        super().__init__(board)
        self._random, self.rate, self._kinds = random.Random(seed), rate, kinds
        self._held = {"there": b"", "back": b""}
        self.faults = 0

    def there(self, data: bytes) -> bytes:
        return self._damaged("there", data)

    def back(self, data: bytes) -> bytes:
        return self._damaged("back", data)

    def _damaged(self, way: str, data: bytes) -> bytes:
        out, late = bytearray(self._held[way]), None
        self._held[way] = b""
        for byte in data:
            kind = self._random.choice(self._kinds) if self._random.random() < self.rate else ""
            self.faults += bool(kind)
            if kind == "delay" and late is None:
                late = len(out)
            if kind == "flip":
                byte ^= 1 << self._random.randrange(8)
            out += bytes([byte] * {"drop": 0, "double": 2}.get(kind, 1))
        if late is not None:
            self._held[way] = bytes(out[late:])
            del out[late:]
        return bytes(out)


class ScriptedBoard:
    """A board that answers by a function."""

    def __init__(self, answer: Callable[[bytes], bytes]) -> None:
        self._answer = answer

    def feed(self, data: bytes) -> bytes:
        return self._answer(data)
