"""A serial line as stm32loader wants it: writes gathered, silence an error, every byte counted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

BITS = 11
"""Bits of a byte on the line: start, eight of data, even parity, stop."""

_LONGEST_DRAIN = 1 << 16


class Port(Protocol):
    """What is used of serial.Serial. timeout: seconds that a read waits for all of its bytes."""

    timeout: float | None

    def write(self, data: bytes, /) -> int | None:
        """Send bytes."""

    def read(self, size: int = 1, /) -> bytes:
        """Up to `size` bytes; fewer where the timeout passes."""

    def close(self) -> None:
        """Let go of the port."""


class Silence(Exception):
    """Fewer bytes than asked for came in time."""


class Line:
    """The connection of an stm32loader.bootloader.Stm32Bootloader.

    Bytes are gathered until an answer is awaited, so that a command goes out as one piece. timeout: seconds
    to wait for an answer, on top of what the bytes take on the line. sent, received: bytes so far. slowest:
    seconds of the slowest answer of late. clock: seconds; a simulated port has a clock of its own.
    """

    def __init__(self, port: Port, baud: int) -> None:
        self._port, self._baud = port, baud
        self.clock: Callable[[], float] = getattr(port, "clock", time.monotonic)
        self._gathered = b""
        self._free = 0.0
        self._limit: float | None = None
        self.timeout = 1.0
        self.sent = self.received = 0
        self.slowest = 0.0
        self.heard = b""
        """The bytes received since `listen`."""

    def seconds(self, count: int) -> float:
        """What so many bytes take on the line."""
        return count * BITS / self._baud

    def write(self, data: bytes) -> None:
        """Send bytes, with the next read at the latest."""
        self._gathered += bytes(data)

    def flush(self) -> None:
        """Send what was gathered."""
        if self._gathered:
            data, self._gathered = self._gathered, b""
            self._free = max(self._free, self.clock()) + self.seconds(len(data))
            self.sent += len(data)
            self._port.write(data)

    def read(self, size: int = 1) -> bytes:
        """Exactly `size` bytes. Raises Silence where they do not come in time."""
        self.flush()
        wait = self.timeout if self._limit is None else self._limit
        data = self._take(size, wait + self.seconds(size))
        if len(data) < size:
            raise Silence(f"{len(data)} of {size} bytes came")
        return data

    def poll(self, wait: float) -> bytes:
        """What comes within `wait` seconds: one byte, or none."""
        self.flush()
        return self._take(1, wait)

    def _take(self, size: int, wait: float) -> bytes:
        began = max(self.clock(), self._free)
        self._port.timeout = wait + max(0.0, self._free - self.clock())
        data = self._port.read(size)
        if size == 1 and data and self._limit is None:
            self.slowest = max(0.995 * self.slowest, self.clock() - began)
        self.received += len(data)
        self.heard = (self.heard + data)[-_LONGEST_DRAIN:]
        return data

    def drain(self, quiet: float) -> bytes:
        """Read until nothing came for `quiet` seconds, which some lines never do; gives what came."""
        self._gathered = b""
        self._port.timeout = quiet + max(0.0, self._free - self.clock())
        found, end = b"", self.clock() + 3
        while len(found) < _LONGEST_DRAIN and self.clock() < end:
            data = self._port.read(1 if not found else 256)
            if not data:
                break
            found += data
            self._port.timeout = quiet
        self.received += len(found)
        self.heard = (self.heard + found)[-_LONGEST_DRAIN:]
        return found

    def discard(self) -> None:
        """Drop what has come unasked."""
        self._gathered = b""
        self._port.timeout = 0.0
        while data := self._port.read(256):
            self.received += len(data)

    def listen(self) -> None:
        """Forget what was heard."""
        self.heard = b""

    @contextmanager
    def waiting(self, seconds: float) -> Iterator[None]:
        """Within, an answer may take so long, whatever timeout is set."""
        self._limit = seconds
        try:
            yield
        finally:
            self._limit = None

    def close(self) -> None:
        """Close the port."""
        self._port.close()


class ResettingLine(Line):
    """A line of whose modem signals DTR resets the board and RTS drives BOOT0, as stm32loader wires them."""

    def enable_reset(self, enable: bool = True) -> None:
        """DTR: holds the board in reset."""
        self._port.dtr = enable  # type: ignore[attr-defined]

    def enable_boot0(self, enable: bool = True) -> None:
        """RTS: BOOT0 is high."""
        self._port.rts = not enable  # type: ignore[attr-defined]
