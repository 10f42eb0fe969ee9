"""Signals while compiled code runs: Python otherwise hears of them when that code is done."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType


class Interrupt:
    """As a context: notes SIGINT and SIGTERM in `came`, and passes them on at the end.

    Signals whose handler is not Python's stay as they are. Outside the main thread, where
    Python delivers no signals, it does nothing.
    """

    def __init__(self) -> None:
        self.came: int | None = None
        """The signal that came."""
        self._before: dict[int, Callable[[int, FrameType | None], object]] = {}

    def __enter__(self) -> None:
        self.came = None
        if threading.current_thread() is not threading.main_thread():
            return
        for number in (signal.SIGINT, signal.SIGTERM):
            handler = signal.getsignal(number)
            if callable(handler):
                self._before[number] = handler
                signal.signal(number, self._note)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        handlers, self._before = self._before, {}
        for number, handler in handlers.items():
            signal.signal(number, handler)
        if self.came is not None:
            handlers[self.came](self.came, None)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self.came = number
