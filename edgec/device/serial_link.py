"""A board at the end of a serial line: the firmware's protocol over a line that loses and damages bytes."""

from __future__ import annotations

from pathlib import Path

from edgec.codegen.image import Image
from edgec.device.ports import Line
from edgec.diagnostics import Diagnostic
from edgec.sim.faults import reported_fault
from edgec.sim.protocol import (
    CRC_ERROR,
    HEADER,
    MAGIC,
    MOST,
    SESSION_ERROR,
    TRAILER,
    VERSION,
    WEIGHTS_ERROR,
    Frame,
    decode,
)
from edgec.sim.runner import Identity, Runner
from edgec.target import Target

TIMEOUT = 120.0
"""Seconds without an answer after which a board that computes is given up: a large model takes long."""

ANSWER = 0.3
"""Seconds in which a board answers that has nothing to compute, beside what the bytes take."""

GREETING, TRANSFER = 5.0, 20.0
"""Seconds after which the first request, and later ones that compute nothing, are given up."""

_COMPUTES = "RBNS"
_PART, _LEAST = 1024, 16
"""Bytes of a frame to begin with, and on a bad line."""

_SHOWN = 24
"""Bytes of what is no frame that an error shows."""


class BoardRunner(Runner):
    """The firmware of a build on a board at the end of a line.

    Requests are sent again where no answer comes in time, by the same sequence number: the firmware does
    nothing twice. firmware: the build's firmware.elf, to name functions in faults. hash: the build's own; a
    board with another firmware is refused. first: where sequence numbers begin, so that answers to a run
    before, which may still be on the line, are not taken for those of this one. Raises Diagnostic E402 where
    the board falls silent, has something else on it, or the line is too bad, each within `timeout` seconds.
    """

    def __init__(
        self,
        line: Line,
        name: str,
        firmware: Path,
        target: Target,
        hash: str,
        *,
        timeout: float = TIMEOUT,
        first: int = 0,
    ) -> None:
        self.name = name
        self._line, self._firmware, self._target, self._hash = line, firmware, target, hash
        self._timeout, self._part, self._sequence = timeout, _PART, first
        self._received, self._noise, self._heard = b"", b"", False
        self._pending = 0
        """Bytes that the board may still wait for, of a frame that was damaged on its way."""
        self.sent, self.lost = 0, 0
        """Requests sent, and those of them that were not answered."""

    def close(self) -> None:
        """Let go of the line; the board stays as it is."""
        self._line.close()

    def identify(self) -> Identity:
        """What runs there; refuses another build. A board that faulted before is reset."""
        if self._identity is not None:
            return self._identity
        try:
            known = super().identify()
        except Diagnostic as error:
            if error.code != "E501" or self._identity is not None:
                raise
            self.reset()
            known = super().identify()
        flash = f"edgec flash {self._firmware.parent}"
        if known.target != self._target.name:
            self._identity = None
            raise self._device(
                "the firmware on the board is for another board",
                [("need", self._target.name), ("have", known.target)],
                [flash, "if this is another board: --on serial:PORT names the right one"],
            )
        if known.hash != self._hash:
            self._identity = None
            raise self._device(
                "the board runs another build",
                [("need", self._hash), ("have", f"{known.hash}, of edgec {known.version}")],
                [flash],
            )
        if known.damaged:
            self._identity = None
            raise self._refused("I", WEIGHTS_ERROR)
        return known

    def reset(self) -> None:
        """Have the board start anew; the next request begins a session."""
        self._identity = None
        self._line.write(bytes(HEADER) + Frame("Z", 0).encode())
        self._line.read(ANSWER)
        self._received = b""

    # -- one request ------------------------------------------------------

    def _transfer(self, request: bytes, sequence: int) -> Frame:
        kind = chr(request[1])
        limit = self._timeout if kind in _COMPUTES else TRANSFER if self._heard else GREETING
        limit = min(limit, self._timeout)
        wait = self._patience(len(request))
        begun = self._line.now()
        while True:
            frame = self._attempt(request, sequence, min(wait, max(0.0, begun + limit - self._line.now())))
            if frame is not None:
                return frame
            if kind in _COMPUTES:
                wait *= 2
            if self._line.now() - begun >= limit:
                raise self._silent(limit)

    def _attempt(self, request: bytes, sequence: int, seconds: float) -> Frame | None:
        """Send a request and wait for its answer, or a fault; None where none came in time."""
        self.sent += 1
        # Zeros end what the board may still be waiting for.
        self._line.write(bytes(self._pending) + request)
        expected = (chr(request[1]).lower(), "e")
        flushed, until = bool(self._pending), self._line.now() + seconds
        while True:
            frame, self._received = self._next()
            if frame is None:
                left = until - self._line.now()
                data = self._line.read(left) if left > 0 else b""
                if not data:
                    break
                self._received += data
                continue
            self._heard = True
            refused = frame.type == "e" and frame.argument == CRC_ERROR
            if refused and flushed:
                flushed = False  # it says so of the frame that the zeros have ended
            elif refused:
                self.lost += 1
                self._pending = 0
                return None
            elif frame.type == "f" or (frame.sequence == sequence and frame.type in expected):
                self._pending = 0
                return frame
        self.lost += 1
        self._pending = min(MOST + HEADER + TRAILER, 2 * self._pending or len(request) + HEADER)
        return None

    def _next(self) -> tuple[Frame | None, bytes]:
        """The next frame of what was received; before the first, remembers what came instead."""
        if not self._heard and len(self._noise) < min(_SHOWN, len(self._received)):
            self._noise = self._received[:_SHOWN]
        return decode(self._received)

    def _patience(self, size: int) -> float:
        """Seconds to wait for an answer to a request of `size` bytes; both take time on the line."""
        return ANSWER + 15 * (size + self._part + self._pending + HEADER + TRAILER) / self._line.baud

    def _carry(self, kind: str, payload: bytes, offset: int) -> bytes | None:
        """On a bad line frames get smaller, until most of them come through; then larger again."""
        before = self.lost
        if self._part <= _LEAST:
            data: bytes | None = self.exchange(kind, payload, offset)
        else:
            self._sequence = (self._sequence + 1) & 0xFFFF
            request = Frame(kind, self._sequence, payload, offset).encode()
            frame = self._attempt(request, self._sequence, self._patience(len(request)))
            data = None if frame is None else self._payload(kind, frame)
        if self.lost > before:
            self._part = max(_LEAST, self._part // 2)
        else:
            self._part = min(_PART, self._part + _LEAST)
        return data

    # -- what is wrong ----------------------------------------------------

    def _silent(self, seconds: float) -> Diagnostic:
        if self._identity is not None:
            return self._device(
                f"no answer in {seconds:g} s",
                [("line", f"{self.lost:,} of {self.sent:,} requests were not answered")],
                ["check the cable", "reset the board, and run the command again"],
            )
        if MAGIC in self._noise:
            return self._device(
                "no answer came through whole",
                [("line", f"{self.lost:,} of {self.sent:,} requests were not answered")],
                ["a shorter cable, and a ground that both ends share", "reset the board"],
            )
        if self._noise and not self._heard:
            shown = "".join(chr(b) if 32 <= b < 127 else "." for b in self._noise)
            return self._device(
                "what comes from the port is no answer of edgec's firmware",
                [("have", f"{self._noise.hex(' ')}  {shown}")],
                [
                    f"edgec flash {self._firmware.parent}",
                    f"check that the port is the board's, at {self._line.baud:,} baud",
                ],
            )
        return self._device(
            f"no answer in {seconds:g} s",
            [],
            [
                "check that the port is the board's, and that it has power",
                f"edgec flash {self._firmware.parent}",
                "reset the board",
            ],
        )

    def _refused(self, kind: str, error: int) -> Diagnostic:
        if error == WEIGHTS_ERROR:
            return self._device(
                "the weights in the board's flash are damaged",
                [("found", "their CRC-32 is not that of the build")],
                [f"edgec flash {self._firmware.parent}"],
            )
        if error == SESSION_ERROR:
            return self._device(
                "the board started anew in the middle of a run",
                [],
                ["check its power supply; a watchdog resets a board whose steps take longer than it waits"],
            )
        return super()._refused(kind, error)

    def _other_version(self, version: int) -> Diagnostic:
        return self._device(
            "the firmware on the board is of another version of edgec",
            [("need", f"protocol {VERSION}"), ("have", f"protocol {version}")],
            [f"edgec flash {self._firmware.parent}"],
        )

    def _fault(self, payload: bytes) -> Diagnostic:
        return reported_fault(self.name, Image.read(self._firmware), self._target, payload)

    def _device(self, title: str, facts: list[tuple[str, str]], remedies: list[str]) -> Diagnostic:
        return Diagnostic("E402", title, where=self.name, facts=facts, remedies=remedies)
