"""Command-line runners for Linux on Unicorn, which counts every instruction of every layer.

The program gets its memory, a stack and the system calls it uses; counts repeat exactly. Cycles are not
estimated: what a Cortex-A makes of its instructions is not in them.
"""

from __future__ import annotations

import ctypes
import importlib
from pathlib import Path
from typing import Any

from edgec.codegen.image import Image
from edgec.diagnostics import Diagnostic
from edgec.sim import native
from edgec.sim.code import CodeCosts
from edgec.sim.interrupt import Interrupt
from edgec.sim.linux_abi import abi_of
from edgec.sim.owners import layer_slots, owner
from edgec.sim.protocol import Frame, decode
from edgec.sim.runner import Cost, Runner
from edgec.target import Target

_PAGE = 4096
_STACK, _STACK_BYTES = 0x7000_0000, 1 << 20
_END = 0x7800_0000
"""An address where nothing is."""
_NO_TERMINAL, _NO_CALL = -25, -38

LIMIT = 500_000_000_000
"""Instructions of one request after which the program is taken to hang."""


class LinuxRunner(Runner):
    """A command-line runner, built for a Cortex-A target, on Unicorn.

    Raises Diagnostic E401 where Unicorn is not installed; E501 for a fault, an unknown system call, and a run
    beyond `limit` instructions.
    """

    def __init__(self, elf: bytes | Path, target: Target, *, limit: int = LIMIT) -> None:
        self.name = f"simulated {target.name}"
        self._limit = limit
        self._image = Image(elf if isinstance(elf, bytes) else elf.read_bytes())
        self._abi = abi_of(self._image.machine)
        self._slots = layer_slots(self._image)
        self._sent, self._received, self._waiting = b"", b"", (0, 0)
        self._interrupt = Interrupt()
        self._keep: list[object] = []
        self._uc = self._engine()
        self._board = self._wire()
        self._pc = self._image.entry
        self._go()

    def close(self) -> None:
        """Free the program."""
        native.library().sim_free(self._board)

    def functions(self) -> dict[str, Cost]:
        """Instructions of every function since the start, its callees' not included."""
        found: dict[str, Cost] = {}
        for address, block in self._code.executed():
            function = self._image.function_at(address)
            name = function.name if function else "?"
            found[name] = found.get(name, Cost(0)) + Cost(block.executed)
        return found

    def _totals(self) -> list[Cost]:
        return [Cost(self._board.totals[k].instructions) for k in range(self._slots + 1)]

    def _engine(self) -> Any:
        unicorn = native.unicorn()
        self._error: type[Exception] = unicorn.UcError
        uc = self._abi.engine()
        for address, size in _pages(self._image):
            uc.mem_map(address, size)
        for segment in self._image.segments:
            uc.mem_write(segment.address, segment.data)
        uc.mem_map(_STACK, _STACK_BYTES)
        sp = _STACK + _STACK_BYTES - 256
        uc.mem_write(sp, self._abi.stack(sp))
        uc.reg_write(self._abi.register("SP"), sp)
        uc.hook_add(unicorn.UC_HOOK_INTR, self._call)
        return uc

    def _wire(self) -> native.Board:
        unicorn: Any = importlib.import_module("unicorn")
        uclib: Any = importlib.import_module("unicorn.unicorn_py3.unicorn").uclib
        board = native.Board()
        board.engine = self._uc._uch.value
        board.stop = ctypes.cast(uclib.uc_emu_stop, ctypes.c_void_p)
        board.measure = native.Measure(self._measure_block)
        board.tick = native.Tick(self._tick)
        self._code = CodeCosts(self._image.code, board)
        totals = (native.Total * (self._slots + 2))()
        board.totals, board.owner = totals, self._slots + 1
        where = ctypes.pointer(board)
        self._keep += [totals, where]
        add_hook, handle = uclib["uc_hook_add"], ctypes.c_size_t()
        pointer, u64 = ctypes.c_void_p, ctypes.c_uint64
        add_hook.argtypes = [pointer, pointer, ctypes.c_int, pointer, pointer, u64, u64]
        hook = native.address_of("sim_block")
        user = ctypes.cast(where, pointer)
        if status := add_hook(self._uc._uch, ctypes.byref(handle), unicorn.UC_HOOK_BLOCK, hook, user, 1, 0):
            raise self._error(status)
        return board

    def _measure_block(self, address: int, size: int) -> None:
        cost = self._code.at(address)
        cost.size, cost.instructions = size, size // 4
        cost.owner = owner(self._image.function_at(address), self._slots)

    # -- running ----------------------------------------------------------

    def _transfer(self, request: bytes, sequence: int) -> Frame:
        self._sent += request
        self._go()
        frame, self._received = decode(self._received)
        if frame is None or frame.sequence != sequence:
            raise self._wrong("no answer")
        return frame

    def _go(self) -> None:
        """Run until the program waits for the host."""
        board, abi = self._board, self._abi
        board.why, board.executed, board.next_tick, board.limit = native.STOP_NONE, 0, 0, self._limit
        at, wanted = self._waiting
        if wanted:
            self._uc.reg_write(abi.register(abi.arguments[0]), self._take(at, wanted))
            self._waiting = (0, 0)
        with self._interrupt:
            try:
                self._uc.emu_start(self._pc, _END)
            except self._error as error:
                raise self._failed(str(error)) from None
        self._pc = self._uc.reg_read(abi.register("PC"))
        if board.why == native.STOP_LIMIT:
            raise self._failed(f"no end after {self._limit:,} instructions")
        if not self._waiting[1]:
            raise self._failed("the program ended")

    def _take(self, at: int, most: int) -> int:
        """Give the program bytes from the host; returns how many."""
        data, self._sent = self._sent[:most], self._sent[most:]
        self._uc.mem_write(at, data)
        return len(data)

    def _call(self, _uc: object, _number: int, _data: object) -> None:
        """A system call."""
        abi, uc = self._abi, self._uc
        number = uc.reg_read(abi.register(abi.number))
        at, size = (uc.reg_read(abi.register(name)) for name in abi.arguments[1:])
        result = _NO_CALL
        if number == abi.read:
            if not self._sent:
                self._waiting = (at, size)
                uc.emu_stop()
                return
            result = self._take(at, size)
        elif number == abi.write:
            self._received += bytes(uc.mem_read(at, size))
            result = size
        elif number in abi.exits:
            uc.emu_stop()
            return
        elif number == abi.ioctl:
            result = _NO_TERMINAL
        elif number == abi.set_tid:
            result = 1
        uc.reg_write(abi.register(abi.arguments[0]), abi.negative(result))

    def _tick(self) -> None:
        if self._interrupt.came is not None:
            self._uc.emu_stop()

    def _failed(self, why: str) -> Diagnostic:
        pc = self._uc.reg_read(self._abi.register("PC"))
        function = self._image.function_at(pc)
        inside = f"{function.name} + {pc - function.address:#x}" if function else "no function"
        layer = next((f for f in self._image.functions if f.layer == self._board.owner), None)
        return Diagnostic(
            "E501",
            f"fault on {self.name}",
            where=f"layer {layer.layer}: {layer.name}" if layer else "",
            facts=[("why", why), ("at", f"{pc:#010x}, {inside}")],
        )


def _pages(image: Image) -> list[tuple[int, int]]:
    """Whole pages that the segments lie in, as (address, bytes), those that touch as one."""
    spans: list[tuple[int, int]] = []
    for address, size in sorted(image.memory):
        begin, end = address & -_PAGE, (address + size + _PAGE - 1) & -_PAGE
        if spans and begin <= spans[-1][1]:
            begin = spans.pop()[0]
        spans.append((begin, end))
    return [(begin, end - begin) for begin, end in spans]
