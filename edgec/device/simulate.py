"""`edgec simulate`: a build on a simulated board behind a pseudo-terminal, for all that takes a port."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from edgec.device.virtual import VirtualBoard, serve
from edgec.diagnostics import Diagnostic
from edgec.report import files
from edgec.target import load_target


def simulate_board(folder: Path, stop: Callable[[], bool] = lambda: False) -> None:
    """Serve a build's simulated board at a pseudo-terminal until `stop`, or Ctrl-C; prints the port's name.

    Raises Diagnostic E101 where this system has no pseudo-terminals, and for a target without a simulated
    board that has a serial port.
    """
    target = load_target(files.load(folder)["target"])
    if sys.platform == "win32":
        raise Diagnostic(
            "E101", "no pseudo-terminals on this system", where="edgec simulate", remedies=["--on sim"]
        )
    if target.uart is None or target.is_qemu:
        raise Diagnostic(
            "E101",
            f"{target.name} has no simulated board with a serial port",
            where="edgec simulate",
            remedies=["edgec run DIR --on sim"],
        )
    import tty

    board = VirtualBoard.of_build(folder, target)
    master, slave = os.openpty()
    tty.setraw(slave)
    print(f"{target.name} at {os.ttyname(slave)}", flush=True)
    try:
        serve(board, master, stop)
    except KeyboardInterrupt:
        pass
    finally:
        board.close()
        os.close(master)
        os.close(slave)
