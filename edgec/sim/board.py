"""A build's firmware on the simulated board, its instructions and cycles counted by layer and function."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from edgec.codegen.image import Image
from edgec.diagnostics import Diagnostic
from edgec.sim.faults import fault_diagnostic
from edgec.sim.machine import LIMIT, Machine, Stopped
from edgec.sim.owners import layer_slots, owner
from edgec.sim.protocol import Frame, decode
from edgec.sim.runner import Cost, Runner
from edgec.target import Target

BOOT_LIMIT, BOOT_BYTE = 100_000_000, 32
"""Instructions until the firmware listens: of all it does at reset, and for each byte of its weights."""


class SimRunner(Runner):
    """The firmware of a build on a simulated board.

    Counts instructions exactly and models cycles (docs/cycles.md), per layer and function. Raises
    Diagnostic E401 where Unicorn is not installed; E501 with address, access, function and
    layer for a fault, and for a run beyond `limit` instructions.
    """

    def __init__(self, elf: bytes | Path, target: Target, *, limit: int = LIMIT) -> None:
        self.name = f"simulated {target.name}"
        self._target, self._limit = target, limit
        image = self._image = Image(elf if isinstance(elf, bytes) else elf.read_bytes())
        self._layers = [f for f in image.functions if f.layer is not None]
        slots = self._slots = layer_slots(image)
        self.machine = Machine(
            target,
            image.segments,
            image.code,
            slots + 2,
            lambda address: owner(image.function_at(address), slots),
        )
        self._board, self._timer = self.machine.board, self.machine.timer
        self._received, self._timed = b"", False
        self.machine.reset()
        try:
            size = sum(len(segment.data) for segment in image.segments)
            self.machine.run(min(limit, BOOT_LIMIT + BOOT_BYTE * size))
        except Stopped as stop:
            raise self._failed(stop) from None

    def close(self) -> None:
        """Free the board."""
        self.machine.close()

    def functions(self) -> dict[str, Cost]:
        """Cost of every function since the board started, its callees' not included; cycles are those
        of the inferences in which they are counted."""
        found: dict[str, Cost] = {}
        for address, block in self.machine.code.executed():
            function = self._image.function_at(address)
            name = function.name if function else "?"
            before = found.get(name, Cost(0, 0))
            found[name] = before + Cost(block.executed, block.spent)
        return found

    def _transfer(self, request: bytes, sequence: int) -> Frame:
        try:
            self._received += self.machine.exchange(request, self._limit)
        except Stopped as stop:
            raise self._failed(stop) from None
        frame, self._received = decode(self._received)
        if frame is None or (frame.sequence != sequence and frame.type != "f"):
            raise self._wrong("no answer")
        return frame

    def _failed(self, stop: Stopped) -> Diagnostic:
        layer = next((f for f in self._layers if f.layer == self._board.owner), None)
        return fault_diagnostic(
            self.name, self._image, self._target, stop.why, stop.pc, stop.sp, stop.access, layer
        )

    def _measure(self, timed: bool) -> Callable[[], tuple[Cost, tuple[Cost, ...]]] | None:
        self._timed = timed and self._timer.core is not None
        if self._timed:
            self._timer.start()
        spent = super()._measure(timed)

        def finish() -> tuple[Cost, tuple[Cost, ...]]:
            if self._timed:
                self._timer.stop()
            assert spent is not None
            total, layers = spent()
            return total, layers[: self._slots]

        return finish

    def _totals(self) -> list[Cost]:
        """By layer, then the library around them; the firmware is left out."""
        totals, timed = self._board.totals, self._timed
        return [
            Cost(totals[k].instructions, totals[k].cycles if timed else None) for k in range(self._slots + 1)
        ]
