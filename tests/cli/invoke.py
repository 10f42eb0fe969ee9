"""Runs the command line in this process."""

from __future__ import annotations

import io
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from unittest import mock


@dataclass(frozen=True)
class Outcome:
    """What a command left."""

    status: int
    out: str
    err: str


def edgec(*arguments: object) -> Outcome:
    """Run `edgec ARGUMENTS`; its streams are no terminals."""
    from edgec.cli import main

    out, err = io.StringIO(), io.StringIO()
    argv = ["edgec", *map(str, arguments)]
    with mock.patch.object(sys, "argv", argv), redirect_stdout(out), redirect_stderr(err):
        try:
            main()
        except SystemExit as e:
            status = e.code
    return Outcome(int(status or 0), out.getvalue(), err.getvalue())
