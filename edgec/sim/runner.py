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
from edgec.sim.protocol import ERRORS, MOST, VERSION, Frame

_UNKNOWN = 0xFFFF_FFFF

_MORE = 1
"""What a firmware answers that has performed a step."""

_FACTS = struct.Struct("<6I")
_STREAMED, _DAMAGED, _FIRST = 1, 2, 4
"""Bits of the last of the facts by which a firmware identifies itself (firmware/runtime/main.c)."""

_RESTART, _ON, _LAYER_SHIFT, _STEP_LAYERS = 1, 2, 2, 8
"""The argument of S, and how many layers it counts by themselves."""


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
    """What a firmware says of itself. Sizes in bytes.

    damaged: its weights are not those that were linked. first: nobody has asked since it started. hash,
    target and version (edgec's) are those of the build.
    """

    arena: int
    inputs: int
    outputs: int
    layers: int
    streamed: bool
    damaged: bool
    first: bool
    hash: str
    target: str
    version: str


@dataclass(frozen=True)
class Stretch:
    """Steps performed one after the other.

    last: the block of the last one, None where none was left. cycles: of all of them, by the board's counter;
    by_layer: of those of some layers.
    """

    last: Block | None
    cycles: int
    by_layer: tuple[int, ...]


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
    _part = MOST
    """Bytes of a frame's payload, where more are to be carried."""
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
        """What runs there. It begins a session, which ends where the board starts anew."""
        if self._identity is None:
            reply = self.exchange("I")
            version, *sizes, flags = _FACTS.unpack_from(reply) if len(reply) >= _FACTS.size else (2, 0)
            if version != VERSION:
                raise self._other_version(version)
            texts = reply[_FACTS.size :].decode("ascii", "replace").split("\0")
            streamed, damaged, first = (bool(flags & bit) for bit in (_STREAMED, _DAMAGED, _FIRST))
            arena, inputs, outputs, layers = sizes
            name, target, build = (*texts, "", "")[:3]
            self._identity = Identity(
                arena, inputs, outputs, layers, streamed, damaged, first, name, target, build
            )
        return self._identity

    def _other_version(self, version: int) -> Diagnostic:
        """The error for a firmware that speaks another version of the protocol."""
        return self._wrong(f"the firmware speaks version {version} of the protocol, not {VERSION}")

    def exchange(self, kind: str, payload: bytes = b"", argument: int = 0) -> bytes:
        """One request; returns the payload of the answer."""
        self._sequence = (self._sequence + 1) & 0xFFFF
        request = Frame(kind, self._sequence, payload, argument).encode()
        return self._payload(kind, self._transfer(request, self._sequence))

    def _payload(self, kind: str, reply: Frame) -> bytes:
        """What a request was answered, unless it failed."""
        if reply.type == "f":
            raise self._fault(reply.payload)
        if reply.type == "e":
            raise self._refused(kind, reply.argument)
        if reply.type != kind.lower():
            raise self._wrong(f"request {kind} was answered by {reply.type!r}")
        return reply.payload

    def _refused(self, kind: str, error: int) -> Diagnostic:
        """The error for a request that the firmware refuses."""
        return self._wrong(f"request {kind} was refused: {ERRORS.get(error, error)}")

    def run(self, inputs: Sequence[bytes]) -> list[RunResult]:
        """Run inferences one after the other. Each input is all model inputs, in order."""
        identity = self.identify()
        self.paint()
        results = []
        for k, data in enumerate(inputs):
            if len(data) != identity.inputs:
                raise ValueError(f"an input has {len(data)} bytes, the model takes {identity.inputs}")
            finish = self._measure(timed=k == 0)
            outputs = self._stream(data) if identity.streamed else self._infer(data)
            total, layers = finish() if finish else (None, None)
            results.append((outputs, total, layers))
        stack, arena = self.marks()
        return [
            RunResult(
                outputs,
                total.instructions if total else None,
                total.cycles if total else None,
                layers if total else None,
                stack,
                arena,
            )
            for outputs, total, layers in results
        ]

    def paint(self) -> None:
        """Paint the arena, so that `marks` tells what was written from now on."""
        self.identify()
        self.exchange("P")

    def marks(self) -> tuple[int | None, int]:
        """The most bytes of stack that were ever in use, None where the stack is not the firmware's; of the
        arena the highest byte written since `paint`, plus one."""
        _, stack, _, arena = struct.unpack("<4I", self.exchange("H"))
        return None if stack == _UNKNOWN else stack, arena

    def _infer(self, data: bytes) -> bytes:
        """One inference of a model whose input is whole."""
        self.send_inputs(data)
        self.exchange("R")
        return self.outputs()

    def _stream(self, data: bytes) -> bytes:
        """One inference, its input sent row by row as the model wants it."""
        reply = self.exchange("B")
        while (span := struct.unpack("<2I", reply))[1]:
            self.send_inputs(data[span[0] : sum(span)])
            reply = self.exchange("N")
        self.exchange("R")
        return self.outputs()

    def send_inputs(self, data: bytes) -> None:
        """All inputs, or the row of a streamed one that is wanted."""
        self._send("D", 0, data)

    def outputs(self) -> bytes:
        """All outputs of the inference that came last."""
        return self._receive("O", 0, self.identify().outputs)

    def step(self, *, restart: bool) -> Block | None:
        """Perform the next step of the plan, or the first; None where there is none left."""
        return self._steps(_RESTART if restart else 0).last

    def steps(self, *, restart: bool, layer: int) -> Stretch:
        """Perform the next steps, or those from the first, up to where an input's rows are due, or all; count
        the cycles of some layers from `layer` on."""
        return self._steps((_RESTART if restart else 0) | _ON | layer << _LAYER_SHIFT)

    def _steps(self, argument: int) -> Stretch:
        self.identify()
        state, layer, first, last, cycles, *by_layer = struct.unpack(
            f"<{5 + _STEP_LAYERS}I", self.exchange("S", argument=argument)
        )
        return Stretch(Block(layer, first, last) if state == _MORE else None, cycles, tuple(by_layer))

    def write(self, offset: int, data: bytes) -> None:
        """Write into the arena."""
        self._send("W", offset, data)

    def read(self, offset: int, length: int) -> bytes:
        """Read from the arena."""
        return self._receive("G", offset, length)

    def _send(self, kind: str, offset: int, data: bytes) -> None:
        """Bytes to a place, in as many frames as they take."""
        self.identify()
        at = 0
        while at < len(data):
            part = data[at : at + self._part]
            if self._carry(kind, part, offset + at) is not None:
                at += len(part)

    def _receive(self, kind: str, offset: int, length: int) -> bytes:
        self.identify()
        data = b""
        while len(data) < length:
            part = min(self._part, length - len(data))
            data += self._carry(kind, struct.pack("<I", part), offset + len(data)) or b""
        return data

    def _carry(self, kind: str, payload: bytes, offset: int) -> bytes | None:
        """One frame of `_send` or `_receive`; None where it did not get through, and is to be tried again, as
        long as `_part` is by then."""
        return self.exchange(kind, payload, offset)

    def _wrong(self, what: str) -> Diagnostic:
        return Diagnostic("E501", f"wrong answer from {self.name}", facts=[("said", what)])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
