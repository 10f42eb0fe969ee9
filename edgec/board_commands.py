"""What `edgec flash` and `monitor` do with a board."""

from __future__ import annotations

import json
from pathlib import Path

from edgec.console import progress
from edgec.device.flash import FlashOptions, flash_build


def flash_board(folder: Path, options: FlashOptions, as_json: bool) -> None:
    """Write a build to a board and say what was done. Raises Diagnostic as flash_build does."""
    with progress() as shown:
        facts = flash_build(folder, options, shown)
    if as_json:
        print(json.dumps(facts))
        return
    print(f"wrote {facts['bytes']:,} B to {facts['target']} by {facts['method']}")
    if facts.get("read_back", True):
        print("read back and compared: every byte is right")
    if "share_of_line" in facts:
        share, seconds = float(str(facts["share_of_line"])), float(str(facts["seconds"]))
        print(f"{seconds:.1f} s for erasing and writing; {share:.0%} of the bytes sent are the image")


def monitor_port(port: str, baud: int, seconds: float | None) -> None:
    """Print what comes at a port until user, time or board end it. Raises Diagnostic E401, E402."""
    from edgec.device.monitor import watch
    from edgec.device.serial_ports import one_port, open_port

    name = one_port(port)
    opened = open_port(name, baud)
    try:
        for line in watch(opened, seconds):
            print(line, flush=True)
    except KeyboardInterrupt:
        return
    finally:
        opened.close()
