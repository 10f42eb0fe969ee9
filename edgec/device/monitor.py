"""`edgec monitor`: what a board sends: text as text, the firmware's frames by name, the rest in hex."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from edgec.sim.protocol import MAGIC, decode

_QUIET = 0.2
_KEPT = 1 << 16
_ANSWERS = {"i": "identity", "f": "fault", "e": "error", "r": "result", "s": "step", "h": "high-water marks"}


class Translator:
    """Bytes to lines. `feed` it what comes; `rest` gives what is left when nothing more comes."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> Iterator[str]:
        """The lines that are complete."""
        self._held += data
        while self._held:
            at = self._held.find(bytes([MAGIC]))
            if at != 0:
                plain, self._held = self._split(self._held if at < 0 else self._held[:at], at >= 0)
                yield from plain
                if at < 0:
                    return
                continue
            frame, rest = decode(self._held)
            if frame is None:
                if len(rest) == len(self._held) < _KEPT:
                    return
                # Not a frame after all.
                yield self._held[:1].hex()
                self._held = self._held[1:]
                continue
            kind = _ANSWERS.get(frame.type, frame.type)
            yield f"[{kind}, {len(frame.payload):,} B, number {frame.sequence}]"
            self._held = rest

    def rest(self) -> Iterator[str]:
        """What was held back."""
        if self._held:
            yield _shown(self._held)
            self._held = b""

    def _split(self, data: bytes, ended: bool) -> tuple[list[str], bytes]:
        """Whole lines of text, and what is none yet; with `ended` all, and what lies behind `data`."""
        *lines, last = data.split(b"\n")
        shown = [_shown(line) for line in lines]
        if ended:
            return shown + ([_shown(last)] if last else []), self._held[len(data) :]
        return shown, last


def _shown(line: bytes) -> str:
    text = line.rstrip(b"\r").decode("ascii", "replace")
    return text if text.isprintable() and "\ufffd" not in text else line.hex(" ")


def watch(port: Any, seconds: float | None = None) -> Iterator[str]:
    """Lines that come at an open port, for so long or for ever; ends where the board is gone."""
    end = None if seconds is None else time.monotonic() + seconds
    translator, port.timeout, heard = Translator(), _QUIET, time.monotonic()
    while end is None or time.monotonic() < end:
        try:
            data = port.read(max(1, port.in_waiting))
        except OSError:
            break
        if data:
            heard = time.monotonic()
            yield from translator.feed(data)
        elif time.monotonic() - heard > _QUIET:
            yield from translator.rest()
    yield from translator.rest()
