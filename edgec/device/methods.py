"""Which way to a board: the one that was asked for, or what target and connections allow."""

from __future__ import annotations

import shutil
from collections.abc import Callable

from edgec.device.chips import BASE
from edgec.device.drive import drives
from edgec.device.flash import METHODS, FlashOptions, Job
from edgec.device.serial_ports import one_port, ports, several
from edgec.device.swd import one_probe, probes
from edgec.device.tools import dfu_devices
from edgec.diagnostics import Diagnostic

Found = list[tuple[str, str]]


def choose(job: Job, options: FlashOptions) -> tuple[str, str]:
    """Method and place: a port, a probe's id, a drive; empty where the tool finds it.

    Without a method: uart with a port, swd or openocd with a probe; else the first of swd, dfu, file and
    uart that the target can and something is connected for. Raises Diagnostic E101 for options that exclude
    each other or a choice that is open, E402 where nothing is connected.
    """
    _check(options)
    method = options.method or _implied(options)
    if not method:
        return _look(job)
    if method == "uart":
        _can_uart(job)
        return method, one_port(options.port)
    if method == "swd":
        return method, one_probe(options.probe)
    if method == "file":
        return method, options.port or _one_drive(job)
    return method, options.probe


def _check(options: FlashOptions) -> None:
    if options.method and options.method not in METHODS:
        raise Diagnostic(
            "E101",
            f"no such method: {options.method}",
            where="--method",
            facts=[("known", ", ".join(METHODS))],
        )
    if options.port and (options.probe or options.method not in ("", "uart", "file")):
        raise Diagnostic(
            "E101",
            "a port is for the method uart, or the path of a drive for file",
            where="--port",
            remedies=["leave --port out", "--method uart, without --probe"],
        )
    if options.probe and options.method not in ("", "swd", "openocd", "dfu"):
        raise Diagnostic(
            "E101",
            f"the method {options.method} has no probe",
            where="--probe",
            remedies=["leave --probe out", "--method swd"],
        )


def _implied(options: FlashOptions) -> str:
    if options.port:
        return "uart"
    if options.probe:
        return "openocd" if not _pyocd() and shutil.which("openocd") else "swd"
    return ""


def _look(job: Job) -> tuple[str, str]:
    """The first method that something is connected for."""
    flash = job.target.flash
    ways: list[tuple[str, str, bool, Callable[[], Found]]] = [
        ("swd", "--probe ", _pyocd(), probes),
        (
            "dfu",
            "--method dfu --probe ",
            bool(flash.dfu and shutil.which("dfu-util")),
            lambda: dfu_devices(flash.dfu),
        ),
        ("file", "--method file --port ", bool(flash.drives), lambda: drives(flash.drives)),
        ("uart", "--port ", job.target.boot.address == BASE and _serial(), ports),
    ]
    looked = []
    for method, option, possible, look in ways:
        found = look() if possible else []
        if len(found) > 1:
            raise several({"uart": "serial ports", "file": "drives"}.get(method, "devices"), option, found)
        if found:
            return method, found[0][0]
        looked.append(f"{method}  {'nothing connected' if possible else _why(method, job)}")
    raise Diagnostic(
        "E402",
        "no board was found",
        facts=[("looked", "\n".join(looked))],
        remedies=[
            "connect the board; its cable must carry data, not power alone",
            "--method uart --port PORT, --method swd or openocd --probe ID, --method dfu or file",
        ],
    )


def _why(method: str, job: Job) -> str:
    missing = {
        "swd": "pyocd is not installed: pip install 'edgec[flash]'",
        "dfu": "dfu-util is not installed" if job.target.flash.dfu else "not for this target",
        "uart": "pyserial is not installed: pip install 'edgec[flash]'",
    }
    if method == "file" or (method == "uart" and job.target.boot.address != BASE):
        return "not for this target"
    return missing[method]


def _can_uart(job: Job) -> None:
    if job.target.boot.address != BASE:
        raise Diagnostic(
            "E101",
            f"{job.target.name} has no boot loader of ST",
            where="--method uart",
            remedies=["--method swd, openocd or file"],
        )


def _one_drive(job: Job) -> str:
    names = job.target.flash.drives
    found = drives(names)
    if not found:
        raise Diagnostic(
            "E402",
            "no drive of this board is mounted",
            facts=[("names", ", ".join(names) or f"{job.target.name} appears as none")],
            remedies=[
                "connect the USB socket of its debugger, and mount the drive",
                "--method swd",
            ],
        )
    if len(found) > 1:
        raise several("drives", "--method file --port ", found)
    return found[0][0]


def _pyocd() -> bool:
    return _there("pyocd")


def _serial() -> bool:
    return _there("serial") and _there("stm32loader")


def _there(module: str) -> bool:
    from importlib.util import find_spec

    try:
        return find_spec(module) is not None
    except ValueError:  # a module that is marked as absent
        return False
