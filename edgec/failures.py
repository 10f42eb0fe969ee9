"""What is printed where a command does not succeed."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from edgec import __version__
from edgec.diagnostics import Diagnostic


def report_failure(e: Diagnostic) -> int:
    """What the user can act on; the exit status."""
    if sys.stderr.isatty():
        from edgec.console import show_error

        show_error(e)
    else:
        print(e.render(), file=sys.stderr)
    return e.exit_status


def report_interruption(status: int) -> int:
    """That the user stopped it; the exit status."""
    print("edgec: interrupted, nothing was written", file=sys.stderr)
    return status


def report_bug(e: Exception) -> int:
    """What went wrong inside, and where to tell; the exit status."""
    if os.environ.get("EDGEC_DEBUG"):
        import traceback

        traceback.print_exc()
    trace = e.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    place = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else "unknown"
    text = str(e).splitlines()[0] if str(e) else ""
    print(
        f"internal error: {type(e).__name__}: {text}\n"
        f"  --> {place}, edgec {__version__}\n"
        "This is a bug in edgec, not in your model. Please report it as an issue in edgec's repository,\n"
        "with the command, these lines and the output of: edgec doctor\n"
        "EDGEC_DEBUG=1 shows the traceback.",
        file=sys.stderr,
    )
    return 1
