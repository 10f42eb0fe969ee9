"""Flashing by copying to the mass-storage drive that a board appears as."""

from __future__ import annotations

import getpass
import os
import string
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from edgec.device.flash import Job
from edgec.device.uf2 import FAMILIES, uf2
from edgec.diagnostics import Diagnostic
from edgec.options import Progress

WAIT = 8.0
"""Seconds after which a drive that has programmed the board shows whether it failed."""

_CHUNK = 1 << 14
_FAIL = "FAIL.TXT"


def drives(names: Iterable[str]) -> list[tuple[str, str]]:
    """Path and name of the mounted drives with one of these names."""
    wanted = {n.upper() for n in names}
    found = {str(path): name for path, name in _mounted() if name.upper() in wanted}
    return sorted(found.items())


def flash_drive(job: Job, drive: str, shown: Progress) -> dict[str, object]:
    """Copy a build's image to a drive. Raises Diagnostic as `flash_build`.

    These drives do not give back what was written: what can be seen is whether one reports a failure.
    """
    family = next((f for name, f in FAMILIES.items() if job.target.name.startswith(name)), None)
    if family is None:
        job.only_internal("file", "drive")
    if family is not None:
        name, data = "firmware.uf2", uf2(job.segments, family)
    else:
        name, data = "firmware.bin", (job.folder / "firmware.bin").read_bytes()
    shown.stage(f"copy {name} to {drive}")
    try:
        with Path(drive, name).open("wb") as file:
            for at in range(0, len(data), _CHUNK):
                file.write(data[at : at + _CHUNK])
                shown.step(at, len(data))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise Diagnostic(
            "E402",
            "the drive could not be written",
            where=drive,
            facts=[("said", str(error)), ("state", "the flash may be incomplete")],
            remedies=["reconnect the board and run the same command again", "--method swd"],
        ) from error
    shown.stage("wait for the drive's verdict")
    if said := _verdict(Path(drive)):
        raise Diagnostic(
            "E402",
            "the drive reports a failure",
            where=drive,
            facts=[("said", said), ("state", "the flash may be incomplete")],
            remedies=["reconnect the board and run the same command again", "--method swd"],
        )
    shown.warn("a drive cannot be read back: edgec run DIR --on serial:PORT shows what runs on the board")
    return {"written": len(data), "read_back": False}


def _verdict(drive: Path) -> str:
    """What the drive says of a failure. It may vanish and come back, or stay away once the program runs."""
    end = time.monotonic() + WAIT
    while time.monotonic() < end:
        try:
            return (drive / _FAIL).read_text(errors="replace").strip()[:200] or "failed"
        except OSError:
            time.sleep(min(0.2, WAIT))
    return ""


def _mounted() -> Iterator[tuple[Path, str]]:
    """Path and name of every mounted drive."""
    if sys.platform == "win32":
        yield from _windows()
        return
    user = getpass.getuser()
    for root in ("/Volumes", f"/media/{user}", f"/run/media/{user}", "/media", "/mnt"):
        try:
            yield from ((p, p.name) for p in sorted(Path(root).iterdir()) if p.is_dir())
        except OSError:
            continue


def _windows() -> Iterator[tuple[Path, str]]:
    import ctypes

    kernel = ctypes.windll.kernel32  # type: ignore[attr-defined, unused-ignore]
    for letter in string.ascii_uppercase[2:]:
        label, root = ctypes.create_unicode_buffer(64), f"{letter}:\\"
        if kernel.GetVolumeInformationW(root, label, 64, None, None, None, None, 0):
            yield Path(root), label.value
