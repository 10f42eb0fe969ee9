"""Flashing by a debug probe, through pyOCD."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

from edgec.device.flash import FlashOptions, Job
from edgec.device.serial_ports import several
from edgec.diagnostics import Diagnostic
from edgec.options import Progress

_STEPS = 100


def pyocd() -> Any:
    """What is used of the library. Raises Diagnostic E401 where it is not installed."""
    try:
        from pyocd.core import exceptions
        from pyocd.core.helpers import ConnectHelper
        from pyocd.core.session import Session
        from pyocd.flash.file_programmer import FileProgrammer
    except ImportError as error:
        raise Diagnostic(
            "E401",
            "missing tool: pyocd, for debug probes",
            remedies=["pip install 'edgec[flash]'", "--method openocd, where that is installed"],
        ) from error
    return ConnectHelper, Session, FileProgrammer, exceptions.Error


def probes() -> list[tuple[str, str]]:
    """Id and description of every probe that is connected."""
    return [(p.unique_id, p.description) for p in _probes()]


def one_probe(name: str = "") -> str:
    """The id of the probe that is meant, which may be named by a part of it.

    Raises Diagnostic E402 where there is none, E101 where there are several.
    """
    found = [(p.unique_id, p.description) for p in _probes(name)]
    if not found:
        raise Diagnostic(
            "E402",
            f"there is no debug probe {name}" if name else "no debug probe is connected",
            facts=[("found", "\n".join(f"{k}  {v}" for k, v in probes()) or "none")],
            remedies=[
                "connect the probe; Linux needs its udev rules: https://pyocd.io/docs/installing",
                "close other debuggers",
            ],
        )
    if len(found) > 1:
        raise several("probes", "--probe ", found)
    return found[0][0]


def flash_swd(job: Job, probe: str, options: FlashOptions, shown: Progress) -> dict[str, object]:
    """Write, read back and start a build's image. Raises Diagnostic as `flash_build`."""
    _, session_of, programmer, failure = pyocd()
    (found,) = _probes(probe)[:1] or [None]
    chosen = {
        "target_override": job.target.flash.pyocd or None,
        # pyOCD's default would erase a protected chip without a word.
        "auto_unlock": options.unprotect,
        "connect_mode": "under-reset",
    }
    changed = False
    try:
        shown.stage(f"connect to the board by probe {probe}")
        with session_of(found, options={k: v for k, v in chosen.items() if v is not None}) as session:
            shown.stage(f"write {job.bytes:,} B")
            changed = True
            step = partial(_step, shown)
            writer = programmer(session, progress=step, chip_erase="sector", trust_crc=False)
            writer.program(os.fspath(job.elf))
            shown.stage("read back and compare")
            for k, segment in enumerate(job.segments):
                shown.step(k, len(job.segments))
                held = bytes(session.target.read_memory_block8(segment.address, len(segment.data)))
                if held != segment.data:
                    raise _differs(probe, segment.address, held, segment.data)
            shown.stage("start the program")
            session.target.reset()
    except (failure, OSError, ValueError) as error:
        raise _failed(job, probe, error, changed) from error
    return {"written": job.bytes}


def _step(shown: Progress, part: float) -> None:
    shown.step(round(_STEPS * part), _STEPS)


def _probes(name: str = "") -> list[Any]:
    connect, _, _, failure = pyocd()
    try:
        return list(connect.get_all_connected_probes(blocking=False, unique_id=name or None))
    except (failure, OSError) as error:
        raise Diagnostic(
            "E402",
            "the debug probes cannot be listed",
            facts=[("said", str(error))],
            remedies=["reconnect the probe"],
        ) from error


def _differs(probe: str, address: int, held: bytes, want: bytes) -> Diagnostic:
    at = next(k for k, (h, w) in enumerate(zip(held, want, strict=True)) if h != w)
    return Diagnostic(
        "E501",
        "the flash holds something else than was written",
        where=f"probe {probe}",
        facts=[("first", f"0x{address + at:08x}: {held[at]:02x}, written was {want[at]:02x}")],
        remedies=["run the same command again", "--unprotect where pages are protected"],
    )


def _failed(job: Job, probe: str, error: Exception, changed: bool) -> Diagnostic:
    name, text = job.target.flash.pyocd, str(error)
    remedies = ["check the probe's wires, ground and the board's power", "run the same command again"]
    if "not recognized" in text or "not available" in text:
        remedies = [f"pyocd pack install {name or 'NAME'}", "--method openocd"]
    elif "lock" in text.lower() or "protect" in text.lower():
        remedies = ["--unprotect lifts the protection: the chip erases its whole flash for it"]
    state = (
        "the flash may be incomplete: run the same command again"
        if changed
        else "nothing was changed on the board"
    )
    return Diagnostic(
        "E402",
        "the debug probe failed",
        where=f"probe {probe}",
        facts=[("said", text), ("state", state)],
        remedies=remedies,
    )
