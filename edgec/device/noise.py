"""Faults of a serial line, drawn from a seed; and a line in memory to a simulated boot loader."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator

from edgec.device.boot_rom import BootRom
from edgec.device.line import BITS


class Noise:
    """What happens to bytes on the way. Rates are per byte, from 0 to 1.

    drop, duplicate, flip (one bit), delay (of that byte and all behind it, by up to `late` seconds). The
    same seed gives the same faults.
    """

    def __init__(
        self,
        seed: int = 0,
        *,
        drop: float = 0.0,
        duplicate: float = 0.0,
        flip: float = 0.0,
        delay: float = 0.0,
        late: float = 0.3,
    ) -> None:
        self._random = random.Random(seed)
        self._drop, self._duplicate, self._flip, self._delay = drop, duplicate, flip, delay
        self._late = late
        self._any = drop or duplicate or flip or delay

    def pieces(self, data: bytes) -> Iterator[tuple[float, bytes]]:
        """What arrives, each piece with the seconds it is late."""
        if not self._any:
            yield 0.0, data
            return
        draw, piece = self._random.random, bytearray()
        for byte in data:
            if draw() < self._delay:
                yield 0.0, bytes(piece)
                yield draw() * self._late, b""
                piece = bytearray()
            if draw() < self._drop:
                continue
            if draw() < self._flip:
                byte ^= 1 << self._random.randrange(8)
            piece.append(byte)
            if draw() < self._duplicate:
                piece.append(byte)
        yield 0.0, bytes(piece)


class SimulatedPort:
    """A serial port in memory with a simulated boot loader behind it; what is used of serial.Serial.

    `clock` gives its own time, which passes with bytes on the line and with waiting. cut: after so many
    bytes, both ways together, the cable is pulled: every use raises OSError where `gone`, else nothing
    arrives.
    """

    def __init__(
        self,
        rom: BootRom,
        baud: int = 115_200,
        noise: Noise | None = None,
        cut: int | None = None,
        *,
        gone: bool = True,
    ) -> None:
        self.rom, self._byte, self._noise = rom, BITS / baud, noise or Noise()
        self._cut, self._gone = cut, gone
        self.timeout: float | None = 1.0
        self.sent = self.received = 0
        self._now = self._there = self._back = 0.0
        self._arriving: deque[tuple[float, bytes]] = deque()

    def clock(self) -> float:
        """Seconds since the port was opened."""
        return self._now

    def write(self, data: bytes) -> int:
        """Send bytes; they arrive one after the other."""
        self._plugged()
        self._there = max(self._there, self._now)
        for late, piece in self._noise.pieces(data):
            self._there += late + len(piece) * self._byte
            for work, answer in self.rom.feed(self._carried(piece)):
                self._there += work
                self._back = max(self._back, self._there)
                for later, part in self._noise.pieces(self._carried(answer)):
                    self._back += later + len(part) * self._byte
                    if part:
                        self._arriving.append((self._back, part))
        self.sent += len(data)
        return len(data)

    def read(self, size: int = 1) -> bytes:
        """Up to `size` bytes, as many as come before the timeout."""
        self._plugged()
        found, end = b"", self._now + (self.timeout or 0.0)
        while self._arriving and len(found) < size:
            at, part = self._arriving[0]
            first = at - (len(part) - 1) * self._byte
            if first > end:
                break
            there = int((end - first) / self._byte) + 1
            taken = part[: min(size - len(found), there)]
            found += taken
            self._now = max(self._now, first + (len(taken) - 1) * self._byte)
            if len(taken) == len(part):
                self._arriving.popleft()
            else:
                self._arriving[0] = (at, part[len(taken) :])
        if len(found) < size:
            self._now = end
        self.received += len(found)
        return found

    def close(self) -> None:
        """Nothing."""

    def _carried(self, data: bytes) -> bytes:
        """What gets through before the cable is pulled."""
        if self._cut is not None:
            data = data[: self._cut]
            self._cut -= len(data)
        return data

    def _plugged(self) -> None:
        if self._cut == 0 and self._gone:
            raise OSError("device disconnected")
