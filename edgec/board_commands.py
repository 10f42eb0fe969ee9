"""What `edgec flash`, `monitor` and `simulate` do with a board."""

from __future__ import annotations

import json
import time
from pathlib import Path

from edgec.console import progress
from edgec.device.flash import FlashOptions, flash_build, load_job


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


def simulate_board(folder: Path, boot_loader: bool, noise: str, seconds: float | None) -> None:
    """Serve a simulated board at a pseudo-terminal. Raises Diagnostic E101, E402."""
    from edgec.device.boot_board import NoisyBoard, at_a_port, board_of, parse_noise

    faults = parse_noise(noise) if noise else None
    board = board_of(folder, load_job(folder).target, boot_loader=boot_loader)
    try:
        with at_a_port(NoisyBoard(board, faults) if faults else board) as port:
            print(port, flush=True)
            end = None if seconds is None else time.monotonic() + seconds
            while end is None or time.monotonic() < end:
                time.sleep(0.1)
    except KeyboardInterrupt:
        return
    finally:
        board.close()
