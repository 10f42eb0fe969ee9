"""A simulated board at a serial port: bytes to its UART, bytes from its UART, behind a pseudo-terminal."""

from __future__ import annotations

import os
import select
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from edgec.codegen.image import Image, Segment
from edgec.sim.machine import LIMIT, Machine, Stopped
from edgec.target import Target

_VTOR = 0xE000_ED08
_CFSR, _HFSR, _BFAR = 0xE000_ED28, 0xE000_ED2C, 0xE000_ED38
_HARD_FAULT = 3
_CHUNK = 4096
_POLL = 0.05


class Board(Protocol):
    """What stands at the other end of a serial line."""

    def feed(self, data: bytes) -> bytes:
        """Bytes that arrive at the board's receiver; what it sends until it waits for more."""


class VirtualBoard:
    """A board with what is in its memories, at its UART.

    flash: the contents of the memory it starts from, as firmware.bin. more: of other memories by name, such
    as the QSPI flash. Faults enter the firmware's handler as on the chip. limit: instructions after one byte
    or many, after which a board that hangs is left alone until the next ones. Raises Diagnostic E401 where
    Unicorn is not installed.
    """

    def __init__(
        self, flash: bytes, target: Target, more: Mapping[str, bytes] | None = None, *, limit: int = LIMIT
    ) -> None:
        self.target, self._limit, self._timed = target, limit, False
        named = {r.name: r.address for r in target.regions}
        segments = [Segment(target.boot.address, flash)]
        segments += [Segment(named[name], data) for name, data in (more or {}).items()]
        code = [(target.boot.address, len(flash) & ~1)]
        if (fast := target.fast_code) is not None:
            code.append((fast.address, fast.size))
        self.machine = Machine(target, segments, code)
        self.reset()

    @classmethod
    def of_build(cls, folder: Path, target: Target, *, limit: int = LIMIT) -> VirtualBoard:
        """A board with a build's firmware on it, in all of its memories."""
        memories = Image.read(folder / "firmware.elf").binaries(target)
        return cls(memories.pop(target.boot.name), target, memories, limit=limit)

    def reset(self) -> None:
        """As by the reset button; the firmware has started when this returns."""
        self.machine.reset()
        self._go(b"")
        self.machine.sent()

    def feed(self, data: bytes) -> bytes:
        """Bytes to the receiver; what the board sends until it waits for more."""
        self._go(data)
        if self.machine.counts and not self._timed:
            # From its first use on the counter goes by the model of the core.
            self._timed = True
            self.machine.timer.start()
        return self.machine.sent()

    def close(self) -> None:
        """Free the board."""
        self.machine.close()

    def _go(self, data: bytes) -> None:
        """Run until the firmware waits, hangs, or faults in its handler."""
        machine = self.machine
        machine.receive(data)
        for _ in range(2):
            try:
                machine.run(self._limit)
                return
            except Stopped as stop:
                if stop.hangs:
                    return
                self._fault(stop)

    def _fault(self, stop: Stopped) -> None:
        """Enter the firmware's HardFault handler, as the core does for a fault (Armv7-M, B1.5.6)."""
        machine = self.machine
        usage, fetch, precise = 1 << 16, 1 << 8, 1 << 9 | 1 << 15
        cfsr = usage if stop.access is None else fetch if stop.access[0].startswith("fetch") else precise
        machine.set_register(_CFSR, cfsr)
        machine.set_register(_HFSR, 1 << 30)
        if cfsr == precise and stop.access is not None:
            machine.set_register(_BFAR, stop.access[1])
        vectors = machine.register(_VTOR) or self.target.boot.address
        (handler,) = struct.unpack("<I", machine.uc.mem_read(vectors + 4 * _HARD_FAULT, 4))
        machine.enter(_HARD_FAULT, handler)


def serve(board: Board, pty: int, stop: Callable[[], bool] = lambda: False) -> None:
    """Carry bytes between a board and a pseudo-terminal, until `stop`. pty: its master's file descriptor."""
    while not stop():
        ready, _, _ = select.select([pty], [], [], _POLL)
        if not ready:
            continue
        try:
            data = os.read(pty, _CHUNK)
        except OSError:  # on Linux: nobody has the other end open
            continue
        answer = memoryview(board.feed(data))
        while answer:
            answer = answer[os.write(pty, answer[:_CHUNK]) :]
