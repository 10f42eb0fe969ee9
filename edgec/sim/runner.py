"""What all runners share: a build that answers the firmware's protocol, wherever it runs."""

from __future__ import annotations

import operator
import struct
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from types import TracebackType
from typing import Self

from edgec.diagnostics import Diagnostic
from edgec.sim.protocol import ERRORS, VERSION, Frame

_UNKNOWN = 0xFFFF_FFFF

_MORE = 1
"""What a firmware answers that has performed a step."""


@dataclass(frozen=True)
class Cost:
    """What something took on a simulated board."""

    instructions: int
    cycles: int | None = None
    """None where they are not estimated."""

    def __add__(self, other: Cost) -> Cost:
        both = self.cycles is not None and other.cycles is not None
        return Cost(
            self.instructions + other.instructions, (self.cycles or 0) + (other.cycles or 0) if both else None
        )

    def __sub__(self, other: Cost) -> Cost:
        return self + Cost(-other.instructions, None if other.cycles is None else -other.cycles)


@dataclass(frozen=True)
class RunResult:
    """One inference. What a runner cannot measure is None.

    outputs: all model outputs, in order. instructions, cycles: of the library, from the first to the
    last step; cycles of the first inference of a batch only. per_layer: the same by layer index; the rest
    of the total goes from step to step.
    stack_used, arena_used: bytes, the most that was ever in use up to the end of the batch
    this inference was in; the arena's is the highest address written, plus one.
    """

    outputs: bytes
    instructions: int | None = None
    cycles: int | None = None
    per_layer: tuple[Cost, ...] | None = None
    stack_used: int | None = None
    arena_used: int | None = None


@dataclass(frozen=True)
class Identity:
    """What a firmware says of itself. Sizes in bytes."""

    arena: int
    inputs: int
    outputs: int
    layers: int
    streamed: bool
    hash: str


@dataclass(frozen=True)
class Block:
    """Rows first .. last-1 that a step has computed. layer: its index; behind the layers, the input
    whose rows have to be in its window from now on."""

    layer: int
    first: int
    last: int


class Runner(ABC):
    """A place where a build runs. Use it as a context manager.

    Every method raises Diagnostic E501 where the run fails (a fault, a hang, a wrong answer)
    and E401 or E402 where the place itself is missing or gone.
    """

    name = ""
    _sequence = 0
    _identity: Identity | None = None

    @abstractmethod
    def _transfer(self, request: bytes, sequence: int) -> Frame:
        """Send a request's bytes and wait for the frame that answers it: that with its
        sequence number, or a fault's."""

    @abstractmethod
    def close(self) -> None:
        """End the run and free what it holds."""

    def _fault(self, payload: bytes) -> Diagnostic:
        """The error for a fault that the firmware reports."""
        return Diagnostic("E501", "the firmware reports a fault", where=self.name)

    def _totals(self) -> list[Cost] | None:
        """All that was spent so far, by layer, then by the library around them. None: no figures here."""
        return None

    def _measure(self, timed: bool) -> Callable[[], tuple[Cost, tuple[Cost, ...]]] | None:
        """Begin to measure, cycles too if `timed`; the function returned gives total and layers.
        None: no figures here."""
        before = self._totals()
        if before is None:
            return None

        def finish() -> tuple[Cost, tuple[Cost, ...]]:
            spent = [b - a for a, b in zip(before, self._totals() or [], strict=True)]
            return reduce(operator.add, spent), tuple(spent[:-1])

        return finish

    def identify(self) -> Identity:
        """What runs there."""
        if self._identity is None:
            reply = self.exchange("I")
            (version,) = struct.unpack_from("<I", reply)
            if version != VERSION:
                raise self._wrong(f"the firmware speaks version {version} of the protocol, not {VERSION}")
            arena, inputs, outputs, layers, streamed = struct.unpack_from("<5I", reply, 4)
            name = reply[24:].decode("ascii", "replace")
            self._identity = Identity(arena, inputs, outputs, layers, bool(streamed), name)
        return self._identity

    def exchange(self, kind: str, payload: bytes = b"") -> bytes:
        """One request; returns the payload of the answer."""
        self._sequence = (self._sequence + 1) & 0xFF
        reply = self._transfer(Frame(kind, self._sequence, payload).encode(), self._sequence)
        if reply.type == "f":
            raise self._fault(reply.payload)
        if reply.type == "e":
            (number,) = struct.unpack("<I", reply.payload)
            raise self._wrong(f"request {kind} was refused: {ERRORS.get(number, number)}")
        if reply.type != kind.lower():
            raise self._wrong(f"request {kind} was answered by {reply.type!r}")
        return reply.payload

    def run(self, inputs: Sequence[bytes]) -> list[RunResult]:
        """Run inferences one after the other. Each input is all model inputs, in order."""
        identity = self.identify()
        self.exchange("P")
        results = []
        for k, data in enumerate(inputs):
            if len(data) != identity.inputs:
                raise ValueError(f"an input has {len(data)} bytes, the model takes {identity.inputs}")
            finish = self._measure(timed=k == 0)
            outputs = self._stream(data) if identity.streamed else self.exchange("R", data)
            total, layers = finish() if finish else (None, None)
            results.append((outputs, total, layers))
        _, stack, _, arena = struct.unpack("<4I", self.exchange("H"))
        return [
            RunResult(
                outputs,
                total.instructions if total else None,
                total.cycles if total else None,
                layers if total else None,
                None if stack == _UNKNOWN else stack,
                arena,
            )
            for outputs, total, layers in results
        ]

    def _stream(self, data: bytes) -> bytes:
        """One inference, its input sent row by row as the model wants it."""
        reply = self.exchange("B")
        while (span := struct.unpack("<2I", reply))[1]:
            reply = self.exchange("N", data[span[0] : sum(span)])
        return self.exchange("R")

    def step(self, *, restart: bool) -> Block | None:
        """Perform the next step of the plan, or the first; None where there is none left."""
        state, *block = struct.unpack("<4I", self.exchange("S", struct.pack("<I", restart)))
        return Block(*block) if state == _MORE else None

    def write(self, offset: int, data: bytes) -> None:
        """Write into the arena."""
        self.exchange("W", struct.pack("<I", offset) + data)

    def read(self, offset: int, length: int) -> bytes:
        """Read from the arena."""
        return self.exchange("G", struct.pack("<II", offset, length))

    def _wrong(self, what: str) -> Diagnostic:
        return Diagnostic("E501", f"wrong answer from {self.name}", facts=[("said", what)])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
