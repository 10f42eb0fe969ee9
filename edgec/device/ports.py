"""A line over a serial port, as the link to the firmware wants it."""

from __future__ import annotations

import time
from typing import Protocol

from edgec.device.serial_ports import open_port, pyserial
from edgec.diagnostics import Diagnostic

OPTION = "--on serial:"
_POLL = 0.02
_CHUNK = 1 << 12


class Line(Protocol):
    """A serial line to a board, seen from the host."""

    baud: int

    def write(self, data: bytes) -> None:
        """Send bytes."""

    def read(self, seconds: float) -> bytes:
        """What has come, as soon as there is something; nothing after so many seconds of silence."""

    def now(self) -> float:
        """Seconds since some time or other."""

    def close(self) -> None:
        """Let go of the line."""


class SerialLine:
    """A line over a port of this machine: 8 data bits, no parity, one stop bit.

    Raises Diagnostic E401 where pyserial is not installed, E402 where the port cannot be used, or breaks.
    """

    def __init__(self, port: str, baud: int) -> None:
        self.port, self.baud = port, baud
        self._broken: tuple[type[Exception], ...] = (pyserial().SerialException, OSError)
        self._serial = open_port(port, baud, option=OPTION)
        self._serial.timeout, self._serial.write_timeout = _POLL, 10.0

    def write(self, data: bytes) -> None:
        """Send bytes."""
        try:
            for at in range(0, len(data), _CHUNK):
                self._serial.write(data[at : at + _CHUNK])
        except self._broken as error:
            raise self._lost(error) from error

    def read(self, seconds: float) -> bytes:
        """What has come, as soon as there is something; nothing after so many seconds of silence."""
        until = time.monotonic() + seconds
        try:
            while True:
                data: bytes = self._serial.read(max(1, self._serial.in_waiting))
                if data or time.monotonic() >= until:
                    return data
        except self._broken as error:
            raise self._lost(error) from error

    def now(self) -> float:
        """Seconds of the monotonic clock."""
        return time.monotonic()

    def close(self) -> None:
        """Close the port; the board stays as it is."""
        self._serial.close()

    def _lost(self, error: Exception) -> Diagnostic:
        return Diagnostic(
            "E402",
            "the connection broke",
            where=self.port,
            facts=[("said", str(error))],
            remedies=["check the cable, and run the command again"],
        )
