"""Serial ports: which there are, which is meant, and a line over one; errors say what to do about it."""

from __future__ import annotations

import errno
import importlib
import sys
import time
from typing import Any, Protocol

from edgec.diagnostics import Diagnostic

_POLL = 0.02
_CHUNK = 1 << 12

_IN_USE = {
    "linux": "close the program that has it open: fuser -v {port} names it",
    "darwin": "close the program that has it open: lsof {port} names it",
    "win32": "close the program that has it open: a terminal, an IDE's monitor, another edgec",
}
_NOT_ALLOWED = {
    "linux": "sudo usermod -aG dialout $USER, then log out and in again",
    "darwin": "take the port's name that begins with /dev/cu., and close other programs that use it",
    "win32": "close other programs that use it; Windows lets one have it at a time",
}
_NO_PORT = {
    "linux": "plug the board in; dmesg shows whether the system sees it (some cables only charge)",
    "darwin": "plug the board in; ls /dev/cu.* shows whether the system sees it (some cables only charge)",
    "win32": "plug the board in; the device manager shows its COM port (some cables only charge)",
}


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
        serial = _pyserial()
        self.port, self.baud = port, baud
        self._broken: tuple[type[Exception], ...] = (serial.SerialException, OSError)
        exclusive = {} if sys.platform == "win32" else {"exclusive": True}
        try:
            self._serial = serial.Serial(port, baud, timeout=_POLL, write_timeout=10.0, **exclusive)
            self._serial.reset_input_buffer()
        except (*self._broken, ValueError) as error:
            raise _cannot_open(port, error) from error

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


def find_port(name: str) -> str:
    """The port that is meant: the one named, or the only one there is. Raises Diagnostic E402 where there is
    none, or more than one to choose from."""
    if name:
        return name
    ports = _ports()
    if not ports:
        raise Diagnostic(
            "E402", "no serial port", where="--on serial", remedies=[_NO_PORT.get(sys.platform, _NO_PORT["linux"])]
        )
    if len(ports) > 1:
        raise Diagnostic(
            "E402",
            "several serial ports",
            where="--on serial",
            facts=[("port", f"{port}  {description}") for port, description in ports],
            remedies=[f"--on serial:{port}" for port, _ in ports],
        )
    return ports[0][0]


def _ports() -> list[tuple[str, str]]:
    """The ports of this machine and what is said of them."""
    _pyserial()
    listed = importlib.import_module("serial.tools.list_ports").comports()
    return sorted((p.device, p.description or "") for p in listed)


def _pyserial() -> Any:
    try:
        return importlib.import_module("serial")
    except ImportError as error:
        raise Diagnostic(
            "E401",
            "missing tool: pyserial, for boards at a serial port",
            remedies=["pip install 'edgec[serial]'"],
        ) from error


def _cannot_open(port: str, error: Exception) -> Diagnostic:
    """E402 for a port that does not open, with what helps on this system."""
    number = getattr(error, "errno", None)
    system = sys.platform if sys.platform in _IN_USE else "linux"
    if number in (errno.EBUSY, errno.EAGAIN):
        title, remedies = "the port is in use", [_IN_USE[system].format(port=port)]
    elif number in (errno.EACCES, errno.EPERM) or "PermissionError" in str(error):
        title, remedies = "the port may not be used", [_NOT_ALLOWED[system]]
    else:
        there = _ports()
        title = "cannot open the port" if number not in (errno.ENOENT, None) else "no such port"
        remedies = [f"--on serial:{name}    {description}".rstrip() for name, description in there]
        remedies = remedies or [_NO_PORT[system]]
    return Diagnostic("E402", title, where=port, facts=[("said", str(error))], remedies=remedies)
