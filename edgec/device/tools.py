"""Flashing by programs of their own: dfu-util for ST's USB boot loader, OpenOCD for debug probes."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from edgec.device.flash import Job
from edgec.diagnostics import Diagnostic
from edgec.options import Progress

GET = {
    "dfu-util": ["apt install dfu-util", "macOS: brew install dfu-util", "--method uart or swd"],
    "openocd": [
        "apt install openocd",
        "macOS: brew install open-ocd",
        "--method swd, with pip install 'edgec[flash]'",
    ],
}
LIMIT = 600
"""Seconds a tool may take."""

AGAIN = "run the same command again"


def dfu_devices(usb: str) -> list[tuple[str, str]]:
    """Serial number and USB path of the boot loaders with a USB id that dfu-util sees."""
    listed = _run("dfu-util", ["-l"], check=False)
    found: dict[str, str] = {}
    for line in listed.splitlines():
        if f"[{usb}]" not in line.lower():
            continue
        facts = dict(re.findall(r'(\w+)="([^"]*)"', line))
        found.setdefault(facts.get("serial", ""), f"USB path {facts.get('path', '?')}")
    return sorted(found.items())


def flash_dfu(job: Job, serial: str, shown: Progress) -> dict[str, object]:
    """Write, read back and start a build's image over USB. Raises Diagnostic as `flash_build`."""
    usb = job.target.flash.dfu
    if not usb:
        raise Diagnostic(
            "E101",
            f"{job.target.name} has no USB boot loader",
            where="--method dfu",
            remedies=["--method swd, uart or openocd"],
        )
    job.only_internal("dfu", "boot loader")
    if not dfu_devices(usb):
        raise Diagnostic(
            "E402",
            "no board in its USB boot loader was found",
            where=f"USB id {usb}",
            remedies=[
                "BOOT0 high, then reset, with the USB socket of the chip itself connected",
                "Windows: WinUSB by Zadig",
            ],
        )
    chosen = ["-d", usb, "-a", "0", *(["-S", serial] if serial else [])]
    with tempfile.TemporaryDirectory() as work:
        for k, segment in enumerate(job.segments):
            image, back = Path(work, f"{k}.bin"), Path(work, f"{k}.back")
            image.write_bytes(segment.data)
            shown.stage(f"write {len(segment.data):,} B")
            _run("dfu-util", [*chosen, "-s", f"0x{segment.address:08x}", "-D", str(image)])
            shown.stage("read back and compare")
            _run("dfu-util", [*chosen, "-s", f"0x{segment.address:08x}:{len(segment.data)}", "-U", str(back)])
            if back.read_bytes() != segment.data:
                raise Diagnostic(
                    "E501",
                    "the flash holds something else than was written",
                    where=f"0x{segment.address:08x}",
                    remedies=[AGAIN, "pages that are protected are not written: --method swd --unprotect"],
                )
        shown.stage("start the program")
        # Leaving is part of a transfer: a few bytes are read again. The board is gone before it can say yes.
        start = f"0x{job.target.boot.address:08x}:4:leave"
        _run("dfu-util", [*chosen, "-s", start, "-U", str(Path(work, "left"))], check=False)
    return {"written": job.bytes}


def flash_openocd(job: Job, probe: str, shown: Progress) -> dict[str, object]:
    """Write, verify and start a build's image by OpenOCD. Raises Diagnostic as `flash_build`."""
    config = job.target.flash.openocd
    if not config:
        raise Diagnostic(
            "E101",
            f"edgec knows no OpenOCD configuration for {job.target.name}",
            where="--method openocd",
            remedies=[
                f"openocd = FILE in the table [flash] of targets/{job.target.name}.toml",
                "--method swd",
            ],
        )
    files = [config] if config.startswith("board/") else ["interface/stlink.cfg", config]
    arguments = [part for file in files for part in ("-f", file)]
    if probe:
        arguments += ["-c", f"adapter serial {probe}"]
    # In Tcl, braces quote a path with blanks.
    arguments += ["-c", f"program {{{job.elf.resolve().as_posix()}}} verify reset exit"]
    shown.stage(f"write {job.bytes:,} B and verify")
    said = _run("openocd", arguments)
    if "** Verified OK **" not in said:
        raise _failed("openocd", said)
    return {"written": job.bytes}


def _run(name: str, arguments: Sequence[str], *, check: bool = True) -> str:
    """What a tool prints. Raises Diagnostic E401 where it is missing, E402 where it fails."""
    path = shutil.which(name)
    if path is None:
        raise Diagnostic("E401", f"missing tool: {name}", remedies=GET[name])
    try:
        done = subprocess.run(
            [path, *arguments], capture_output=True, text=True, errors="replace", timeout=LIMIT, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise _failed(name, f"no end after {LIMIT} s") from error
    except OSError as error:
        raise Diagnostic(
            "E401", f"broken tool: {name}", facts=[("said", str(error))], remedies=GET[name]
        ) from error
    said = done.stdout + done.stderr
    if check and done.returncode:
        raise _failed(name, said or f"exit status {done.returncode}")
    return said


def _failed(name: str, said: str) -> Diagnostic:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    telling = [
        line for line in lines if re.search(r"error|fail|cannot|unable|no .* found", line, re.IGNORECASE)
    ]
    return Diagnostic(
        "E402",
        f"{name} failed",
        facts=[("said", "\n".join((telling or lines)[-4:])), ("state", "the flash may be incomplete")],
        remedies=["check cable, power and that no other program uses the board", AGAIN],
    )
