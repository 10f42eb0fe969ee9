"""Serial ports of this machine: which there are, which one is meant, and why one cannot be opened."""

from __future__ import annotations

import errno
import importlib
import sys
from typing import Any

from edgec.diagnostics import Diagnostic

PLATFORM = sys.platform

ACCESS = {
    "linux": "sudo usermod -aG dialout $USER, then log out and in again",
    "darwin": "take the port's name that begins with /dev/cu., and allow the accessory in System Settings",
    "win32": "close other programs that use it; Windows lets one have it at a time",
}
IN_USE = {
    "linux": "close the program that has it open: fuser -v {port} names it",
    "darwin": "close the program that has it open: lsof {port} names it",
    "win32": "close the program that has it open: a terminal, an IDE's monitor, another edgec",
}
NO_PORT = {
    "linux": "plug the board in; dmesg shows whether the system sees it (some cables only charge)",
    "darwin": "plug the board in; ls /dev/cu.* shows whether the system sees it (some cables only charge)",
    "win32": "plug the board in; the device manager shows its COM port (some cables only charge)",
}
"""What to do, by sys.platform."""


def ports() -> list[tuple[str, str]]:
    """Name and description of the serial ports; where there are ports over USB, of those alone.

    Raises Diagnostic E401 without pyserial.
    """
    pyserial()
    listed = importlib.import_module("serial.tools.list_ports").comports()
    boards = [p for p in listed if p.vid is not None] or listed
    return sorted((p.device, p.description or "") for p in boards)


def one_port(name: str = "", option: str = "--port ") -> str:
    """The port that is meant: the only one where none is named. option: how a port is said, up to its name.

    Raises Diagnostic E402 where there is none, E101 where there are several.
    """
    if name:
        return name
    found = ports()
    if not found:
        raise Diagnostic("E402", "no serial port is there", remedies=[_by(NO_PORT)])
    if len(found) > 1:
        raise several("serial ports", option, found)
    return found[0][0]


def several(what: str, option: str, found: list[tuple[str, str]]) -> Diagnostic:
    """The error for a choice that is the user's."""
    return Diagnostic(
        "E101",
        f"several {what} are there, and none was chosen",
        where=option.rstrip(" :"),
        facts=[("found", _listed(found))],
        remedies=[f"{option}{name}" for name, _ in found],
    )


def open_port(name: str, baud: int, parity: str = "N", option: str = "--port ") -> Any:
    """A serial.Serial that no one else may use. parity: "N" or "E".

    Raises Diagnostic E401 without pyserial, E402 that says why the port cannot be used and what to do.
    """
    serial = pyserial()
    exclusive = {} if PLATFORM == "win32" else {"exclusive": True}
    try:
        port = serial.Serial(name, baud, timeout=1.0, **exclusive)
        _set_parity(port, parity)
        port.reset_input_buffer()
        return port
    except (serial.SerialException, OSError, ValueError) as error:
        raise cannot_open(name, error, option) from error


def cannot_open(name: str, error: Exception, option: str = "--port ") -> Diagnostic:
    """Why a port cannot be used, and what to do about it on this system."""
    number, text = getattr(error, "errno", None), str(error)
    if number in (errno.EBUSY, errno.EAGAIN, errno.EWOULDBLOCK):
        title, remedies = "the port is in use", [_by(IN_USE).format(port=name)]
    elif number in (errno.EACCES, errno.EPERM) or "PermissionError" in text:
        title, remedies = "the port may not be used", [_by(ACCESS)]
    else:
        gone = number == errno.ENOENT or "FileNotFoundError" in text
        title = "no such port" if gone else "cannot open the port"
        remedies = [f"{option}{port}    {what}".rstrip() for port, what in ports()] or [_by(NO_PORT)]
    return Diagnostic("E402", title, where=name, facts=[("said", text)], remedies=remedies)


def pyserial() -> Any:
    """The module. Raises Diagnostic E401 where it is not installed."""
    try:
        return importlib.import_module("serial")
    except ImportError as error:
        raise Diagnostic(
            "E401",
            "missing tool: pyserial, for boards at a serial port",
            remedies=["pip install 'edgec[serial]'"],
        ) from error


def _set_parity(port: Any, parity: str) -> None:
    try:
        port.parity = parity
    except Exception as error:  # termios.error, which is no OSError and not there on Windows
        if "Invalid argument" not in str(error):
            raise
        port.parity = "N"  # a pseudo-terminal has none


def _listed(found: list[tuple[str, str]]) -> str:
    return "\n".join(f"{name}  {text}".rstrip() for name, text in found)


def _by(remedies: dict[str, str]) -> str:
    return remedies.get(PLATFORM, remedies["linux"])
