"""Serial ports of this machine: which there are, which one is meant, and why one cannot be opened."""

from __future__ import annotations

import errno
import sys
from typing import Any

from edgec.diagnostics import Diagnostic

PLATFORM = sys.platform

ACCESS = {
    "linux": "sudo usermod -aG dialout $USER, and log in again",
    "darwin": "allow the accessory in System Settings, Privacy & Security",
    "win32": "close what else uses the port, or run as administrator",
}
IN_USE = {
    "linux": "close the program that has it: fuser {port} names it",
    "darwin": "close the program that has it: lsof {port} names it",
    "win32": "close the program that has it: a serial monitor, an IDE, another edgec",
}
"""What to do, by sys.platform."""

NO_PORT = [
    "connect the board; its cable must carry data, not power alone",
    "Windows and macOS may need the driver of the USB adapter (ST-LINK, CP210x, CH340, FTDI)",
]


def ports() -> list[tuple[str, str]]:
    """Name and description of every serial port. Raises Diagnostic E401 without pyserial."""
    pyserial()
    from serial.tools import list_ports

    found = [
        (p.device, p.description or "") for p in list_ports.comports() if p.hwid not in ("", "n/a", None)
    ]
    return sorted(found)


def one_port(name: str = "") -> str:
    """The port that is meant: the only one where none is named.

    Raises Diagnostic E402 where there is none, E101 where there are several.
    """
    if name:
        return name
    found = ports()
    if not found:
        raise Diagnostic("E402", "no serial port is there", remedies=NO_PORT)
    if len(found) > 1:
        raise several("ports", "--port", found)
    return found[0][0]


def several(what: str, option: str, found: list[tuple[str, str]]) -> Diagnostic:
    """The error for a choice that is the user's."""
    listed = "\n".join(f"{name}  {text}".rstrip() for name, text in found)
    return Diagnostic(
        "E101",
        f"several {what} are there, and none was chosen",
        where=option,
        facts=[("found", listed)],
        remedies=[f"{option} {name}" for name, _ in found],
    )


def open_port(name: str, baud: int, parity: str = "N") -> Any:
    """A serial.Serial that no one else may use. parity: "N" or "E".

    Raises Diagnostic E401 without pyserial, E402 that says why the port cannot be used and what to do.
    """
    serial = pyserial()
    try:
        port = serial.Serial(name, baud, timeout=1.0, exclusive=None if _windows() else True)
        _set_parity(port, parity)
        port.reset_input_buffer()
        return port
    except (serial.SerialException, OSError, ValueError) as error:
        raise cannot_open(name, error) from error


def cannot_open(name: str, error: Exception, platform: str = "") -> Diagnostic:
    """Why a port cannot be used, and what to do about it on this system."""
    number, text, platform = getattr(error, "errno", None), str(error), platform or PLATFORM
    if number == errno.ENOENT or "FileNotFoundError" in text:
        there = ports()
        return Diagnostic(
            "E402",
            f"there is no port {name}",
            facts=[("found", "\n".join(f"{port}  {what}".rstrip() for port, what in there) or "none")],
            remedies=[f"--port {port}" for port, _ in there] or NO_PORT,
        )
    if number in (errno.EBUSY, errno.EAGAIN, errno.EWOULDBLOCK) or "lock port" in text:
        remedy = IN_USE.get(platform, IN_USE["linux"]).format(port=name)
        return Diagnostic("E402", f"the port {name} is in use", remedies=[remedy])
    if number in (errno.EACCES, errno.EPERM) or "PermissionError" in text:
        remedy = ACCESS.get(platform, ACCESS["linux"])
        return Diagnostic("E402", f"no permission to use the port {name}", remedies=[remedy])
    return Diagnostic(
        "E402",
        f"cannot use the port {name}",
        facts=[("said", text)],
        remedies=["check the cable and the name of the port"],
    )


def pyserial() -> Any:
    """The module. Raises Diagnostic E401 where it is not installed."""
    try:
        import serial
    except ImportError as error:
        raise Diagnostic(
            "E401",
            "missing tool: pyserial, for boards at a serial port",
            remedies=["pip install 'edgec[serial]'"],
        ) from error
    return serial


def _set_parity(port: Any, parity: str) -> None:
    try:
        port.parity = parity
    except Exception as error:  # termios.error, which is no OSError and not there on Windows
        if "Invalid argument" not in str(error):
            raise
        port.parity = "N"  # a pseudo-terminal has none


def _windows() -> bool:
    return sys.platform == "win32"
