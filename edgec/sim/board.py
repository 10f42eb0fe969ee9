"""The simulated board: Unicorn with exactly the target's memories, and its firmware running."""

from __future__ import annotations

import ctypes
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edgec.codegen.image import Image
from edgec.codegen.tools import zig
from edgec.diagnostics import Diagnostic
from edgec.sim import native
from edgec.sim.boot import entry
from edgec.sim.code import CodeCosts
from edgec.sim.devices import PAGE, devices, dma
from edgec.sim.faults import fault_diagnostic
from edgec.sim.interrupt import Interrupt
from edgec.sim.owners import layer_slots, owner
from edgec.sim.protocol import Frame, decode
from edgec.sim.runner import Cost, Runner
from edgec.sim.timer import Timer
from edgec.target import Target

_NEVER = 0xFFFF_FFFE
"""An address where nothing is: Unicorn stops there, which is never."""

_POINTER, _U64 = ctypes.c_void_p, ctypes.c_uint64

MODELS = {
    "cortex-m0plus": "CORTEX_M0",
    "cortex-m4": "CORTEX_M4",
    "cortex-m7": "CORTEX_M7",
    "cortex-m33": "CORTEX_M33",
}
"""Unicorn's names of the cores that it has; the M0 has the instructions of the M0+."""

LIMIT = 50_000_000_000
"""Instructions of one request after which the board is taken to hang."""

BOOT_LIMIT = 100_000_000
"""The same from reset until the firmware listens."""


class SimRunner(Runner):
    """The firmware of a build on a simulated board.

    Counts instructions exactly and models cycles (docs/cycles.md), per layer and function. Raises
    Diagnostic E401 where Unicorn is not installed; E501 with address, access, function and
    layer for a fault, and for a run beyond `limit` instructions.
    """

    def __init__(self, elf: bytes | Path, target: Target, *, limit: int = LIMIT) -> None:
        self.name = f"simulated {target.name}"
        self._target, self._limit = target, limit
        self._image = Image(elf if isinstance(elf, bytes) else elf.read_bytes())
        self._layers = [f for f in self._image.functions if f.layer is not None]
        self._slots = layer_slots(self._image)
        self._received, self._timed = b"", False
        self._access: tuple[str, int, int] | None = None
        self._interrupt = Interrupt()
        self._uc = self._engine()
        self._keep: list[object] = []
        self._board = self._wire()
        self._request = b""
        stack, self._pc = entry(target, self._image, self._uc)
        self._uc.reg_write(self._arm.UC_ARM_REG_SP, stack)
        self._go(min(limit, BOOT_LIMIT))

    def close(self) -> None:
        """Free the board."""
        native.library().sim_free(self._board)

    def functions(self) -> dict[str, Cost]:
        """Cost of every function since the board started, its callees' not included; cycles are those
        of the inferences in which they are counted."""
        found: dict[str, Cost] = {}
        for address, block in self._code.executed():
            function = self._image.function_at(address)
            name = function.name if function else "?"
            before = found.get(name, Cost(0, 0))
            found[name] = before + Cost(block.executed, block.spent)
        return found

    # -- building the board -----------------------------------------------

    def _engine(self) -> Any:
        try:
            unicorn: Any = importlib.import_module("unicorn")
            arm_const: Any = importlib.import_module("unicorn.arm_const")
        except ImportError as error:
            raise Diagnostic(
                "E401", "missing tool: unicorn, the simulator", remedies=["python -m pip install unicorn"]
            ) from error
        zig()  # the board's own half needs a compiler: say so before anything else
        self._arm = arm_const
        self._error: type[Exception] = unicorn.UcError
        uc = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS)
        uc.ctl_set_cpu_model(getattr(arm_const, f"UC_CPU_ARM_{MODELS[self._target.cpu]}"))
        bits = {"r": unicorn.UC_PROT_READ, "w": unicorn.UC_PROT_WRITE, "x": unicorn.UC_PROT_EXEC}
        # Largest first: with the 16 KB ITCM in front, Unicorn 2.1 takes stores for changes of code and
        # translates the kernels again and again, four times slower.
        for region in sorted(self._target.regions, key=lambda r: -r.size):
            uc.mem_map(region.address, region.size, sum(bits[a] for a in region.access))
        for segment in self._image.segments:
            uc.mem_write(segment.address, segment.data)
        kinds = {
            unicorn.UC_MEM_READ_UNMAPPED: "read",
            unicorn.UC_MEM_WRITE_UNMAPPED: "write",
            unicorn.UC_MEM_FETCH_UNMAPPED: "fetch of an instruction",
            unicorn.UC_MEM_READ_PROT: "read",
            unicorn.UC_MEM_WRITE_PROT: "write",
            unicorn.UC_MEM_FETCH_PROT: "fetch of an instruction",
        }

        def invalid(_uc: object, kind: int, address: int, size: int, _value: int, _data: object) -> bool:
            self._access = (kinds.get(kind, "access"), address, size)
            return False

        uc.hook_add(unicorn.UC_HOOK_MEM_INVALID, invalid)
        return uc

    def _wire(self) -> native.Board:
        """Peripherals and the block hook, all of them compiled."""
        unicorn: Any = importlib.import_module("unicorn")
        uclib: Any = importlib.import_module("unicorn.unicorn_py3.unicorn").uclib
        board, target, image = native.Board(), self._target, self._image
        board.engine = self._uc._uch.value
        board.stop = ctypes.cast(uclib.uc_emu_stop, ctypes.c_void_p)
        board.read_register = ctypes.cast(uclib.uc_reg_read, ctypes.c_void_p)
        board.write_register = ctypes.cast(uclib.uc_reg_write, ctypes.c_void_p)
        board.read_memory = ctypes.cast(uclib.uc_mem_read, ctypes.c_void_p)
        board.write_memory = ctypes.cast(uclib.uc_mem_write, ctypes.c_void_p)
        board.dma.base = dma(target)
        board.measure = native.Measure(self._measure_block)
        board.tick = native.Tick(self._tick)
        self._code = CodeCosts(image, board)
        totals = (native.Total * (self._slots + 2))()
        found = devices(target)
        ready = (native.Ready * max(len(found.flags), 1))(
            *(native.Ready(f.address, f.bits, f.source, f.mask, f.value) for f in found.flags)
        )
        board.totals, board.ready = totals, ready
        board.ready_count = len(found.flags)
        board.owner = self._slots + 1
        self._timer = Timer(target, board, self._uc)
        board.measure_pair = native.MeasurePair(self._timer.behind)
        assert target.uart is not None
        board.uart, board.uart_base = native.UARTS[target.uart.kind], target.uart.address
        board.ram_base, board.ram_bytes = target.sram.address, target.sram.size
        pages = found.pages
        board.pages = len(pages)
        where = ctypes.pointer(board)
        entries = (native.Page * len(pages))(*(native.Page(where, k) for k in range(len(pages))))
        for k, address in enumerate(pages):
            board.page_base[k] = address
            user = ctypes.cast(ctypes.byref(entries[k]), ctypes.c_void_p)
            read, write = native.address_of("sim_read"), native.address_of("sim_write")
            map_page = uclib["uc_mmio_map"]
            map_page.argtypes = [_POINTER, _U64, _U64, *[_POINTER] * 4]
            self._check(map_page(self._uc._uch, address, 4096, read, user, write, user))
        for address, value in found.reset:
            page = pages.index(address & -PAGE)
            board.registers[page][(address & (PAGE - 1)) // 4] = value
        add_hook, handle = uclib["uc_hook_add"], ctypes.c_size_t()
        add_hook.argtypes = [_POINTER, _POINTER, ctypes.c_int, _POINTER, _POINTER, _U64, _U64]
        hook = native.address_of("sim_block")
        user = ctypes.cast(where, ctypes.c_void_p)
        self._check(add_hook(self._uc._uch, ctypes.byref(handle), unicorn.UC_HOOK_BLOCK, hook, user, 1, 0))
        self._keep += [totals, ready, entries]
        return board

    def _check(self, status: int) -> None:
        if status:
            raise self._error(status)

    def _measure_block(self, address: int, size: int) -> None:
        cost = self._code.at(address)
        cost.owner = owner(self._image.function_at(address), self._slots)
        self._timer.block(cost, bytes(self._uc.mem_read(address, size)), address)

    # -- running ----------------------------------------------------------

    def _transfer(self, request: bytes, sequence: int) -> Frame:
        self._request = request  # kept alive: the board reads from it
        board = self._board
        board.rx = ctypes.cast(ctypes.c_char_p(request), ctypes.c_void_p)
        board.rx_bytes, board.rx_at = len(request), 0
        self._go(self._limit)
        self._received += ctypes.string_at(board.tx, board.tx_bytes) if board.tx_bytes else b""
        board.tx_bytes = 0
        frame, self._received = decode(self._received)
        if frame is None or (frame.sequence != sequence and frame.type != "f"):
            raise self._wrong("no answer")
        return frame

    def _go(self, limit: int) -> None:
        """Run until the firmware waits for the host."""
        board = self._board
        board.why, board.executed, board.next_tick, board.limit = native.STOP_NONE, 0, 0, limit
        self._access = None
        with self._interrupt:
            try:
                self._uc.emu_start(self._pc | 1, _NEVER)
            except self._error as error:
                raise self._failed(str(error)) from None
        self._pc = self._uc.reg_read(self._arm.UC_ARM_REG_PC)
        if board.why == native.STOP_LIMIT:
            raise self._failed(f"no end after {limit:,} instructions")
        if board.why != native.STOP_IDLE:
            raise self._failed("the firmware stopped")

    def _tick(self) -> None:
        if self._interrupt.came is not None:
            self._uc.emu_stop()

    def _failed(self, why: str) -> Diagnostic:
        pc = self._uc.reg_read(self._arm.UC_ARM_REG_PC)
        sp = self._uc.reg_read(self._arm.UC_ARM_REG_SP)
        layer = next((f for f in self._layers if f.layer == self._board.owner), None)
        return fault_diagnostic(self.name, self._image, self._target, why, pc, sp, self._access, layer)

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
