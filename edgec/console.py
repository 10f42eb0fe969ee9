"""Progress on stderr: alive on a terminal, a line per stage in a pipe."""

from __future__ import annotations

import sys
import time
from contextlib import AbstractContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

from edgec.report.table import Line, plain, styled

if TYPE_CHECKING:
    from edgec.diagnostics import Diagnostic
    from edgec.options import Progress


def is_terminal(stream: TextIO) -> bool:
    """Whether a person reads the stream as it is written."""
    return stream.isatty()


def show(lines: list[Line], stream: TextIO) -> None:
    """Print a table, with colour on a terminal."""
    if is_terminal(stream):
        from rich.console import Console

        Console(file=stream, highlight=False).print(styled(lines), soft_wrap=True)
    else:
        print(plain(lines), file=stream)


def progress(stream: TextIO | None = None) -> AbstractContextManager[Progress]:
    """The progress for a stream (stderr), used as a context."""
    stream = stream or sys.stderr
    return LiveProgress(stream) if is_terminal(stream) else PlainProgress(stream)


class PlainProgress(AbstractContextManager["PlainProgress"]):
    """One line per stage, with the seconds since the start."""

    def __init__(self, stream: TextIO) -> None:
        self.stream, self.began = stream, time.monotonic()

    def __exit__(self, *exc: object) -> None:
        self.stream.flush()

    def stage(self, name: str) -> None:
        """A line."""
        self._print(f"{time.monotonic() - self.began:7.1f} s  {name}")

    def step(self, done: int, total: int) -> None:
        """Nothing: a pipe has no use for a bar."""

    def status(self, text: str) -> None:
        """Nothing: what passes is no line of a log."""

    def note(self, text: str) -> None:
        """An indented line."""
        self._print(f"{'':11}{text}")

    def warn(self, text: str) -> None:
        """A line that can be searched for."""
        self._print(f"warning: {text}")

    def _print(self, text: str) -> None:
        print(text, file=self.stream, flush=True)


class LiveProgress(AbstractContextManager["LiveProgress"]):
    """A spinner and a bar for the current stage; finished stages stay as lines."""

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(24), TimeElapsedColumn())
        self.bar = Progress(*columns, console=Console(file=stream, highlight=False), transient=True)
        self.task = self.bar.add_task("", visible=False)
        self.current, self.began = "", 0.0

    def __enter__(self) -> Self:
        self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.current:
            self._finish("[green]done[/]" if kind is None else "[red]stop[/]")
        self.bar.stop()

    def stage(self, name: str) -> None:
        """The stage before becomes a line; this one spins."""
        if self.current:
            self._finish("[green]done[/]")
        from rich.markup import escape

        self.current, self.began = escape(name), time.monotonic()
        self.bar.reset(self.task, description=self.current, total=None, visible=True)

    def step(self, done: int, total: int) -> None:
        """Moves the bar."""
        self.bar.update(self.task, completed=done, total=total)

    def status(self, text: str) -> None:
        """Behind the name of the stage."""
        from rich.markup import escape

        self.bar.update(self.task, description=f"{self.current}  [dim]{escape(text)}[/]")

    def note(self, text: str) -> None:
        """A line above the bar."""
        self.bar.console.print(f"      {text}", style="dim", markup=False)

    def warn(self, text: str) -> None:
        """A line above the bar."""
        self.bar.console.print(f"warning: {text}", style="yellow", markup=False)

    def _finish(self, mark: str) -> None:
        took = time.monotonic() - self.began
        self.bar.console.print(f"{mark}  {self.current} [dim]{took:.1f} s[/]")


def show_error(e: Diagnostic) -> None:
    """Print a user's error on a terminal: the same text, its first line and labels in colour."""
    from rich.console import Console
    from rich.text import Text

    text = Text(e.render())
    text.highlight_regex(r"^error\[E\d+\]", "bold red")
    text.highlight_regex(r"(?m)^\s*-->", "blue")
    text.highlight_regex(r"(?m)^  try ", "bold green")
    Console(file=sys.stderr, highlight=False).print(text, soft_wrap=True)
