"""The clock of a simulated board: blocks measured by the core's model, caches and memories set up."""

from __future__ import annotations

import ctypes
import importlib
from typing import Any

from edgec.sim import native
from edgec.sim.timing import core_of
from edgec.sim.timing.core import Schedule
from edgec.sim.timing.decode import Op, decoder
from edgec.target import Target
from edgec.target_parts import Cache

_POINTER, _U64 = ctypes.c_void_p, ctypes.c_uint64


class Timer:
    """Cycles of one board. They are counted between start() and stop() only: following every access to
    the memories behind caches makes a run several times slower."""

    def __init__(self, target: Target, board: native.Board, uc: Any) -> None:
        self.core = core_of(target)
        self._board, self._uc = board, uc
        self._blocks: dict[int, list[Op]] = {}
        self._schedules: dict[int, Schedule] = {}
        self._hooks: list[ctypes.c_size_t] = []
        if self.core is None:
            return
        timing = board.timing
        timing.paired, timing.branches = self.core.chained, self.core.predictor
        timing.miss, timing.unaligned = self.core.miss, self.core.unaligned
        _set(timing.code, target.icache, self.core.recent)
        _set(timing.data, target.dcache, self.core.recent)
        for region in target.regions:
            if region.cached:
                timing.memory[timing.memories] = native.Memory(
                    ctypes.addressof(board),
                    region.address,
                    region.size,
                    region.wait_states,
                    region.next_states,
                    region.beat_bytes,
                    region.beat_cycles,
                    region.prefetch,
                )
                timing.memories += 1

    def block(self, cost: native.BlockCost, code: bytes, address: int) -> None:
        """Measure a block by itself."""
        ops = decoder().decode(code, address)
        cost.size, cost.instructions = len(code), len(ops)
        cost.from_ = 0
        if self.core is None:
            return
        cost.conditional = any(op.conditional and op.is_memory for op in ops)
        schedule = self.core.schedule(ops)
        self._blocks[address], self._schedules[address] = ops, schedule
        cost.cycles, cost.missed = schedule.cycles, schedule.missed
        cost.refill = self.core.refill(ops[0])
        cost.jump, cost.jump_at = native.JUMPS[ops[-1].jump], ops[-1].address

    def behind(self, before: int, address: int, jumped: int) -> int:
        """Cycles of a block behind another, which fell through or jumped to it."""
        assert self.core is not None
        state = self._schedules[before].after
        return self.core.schedule(self._blocks[address], self.core.taken(state) if jumped else state).cycles

    def start(self) -> None:
        """Count from here on, with empty caches and nothing predicted."""
        unicorn: Any = importlib.import_module("unicorn")
        add = importlib.import_module("unicorn.unicorn_py3.unicorn").uclib["uc_hook_add"]
        add.argtypes = [_POINTER, _POINTER, ctypes.c_int, _POINTER, _POINTER, _U64, _U64]
        timing = self._board.timing
        native.library().sim_reset(self._board)
        timing.on = 1
        kinds = unicorn.UC_HOOK_MEM_READ | unicorn.UC_HOOK_MEM_WRITE
        for k in range(timing.memories):
            memory, handle = timing.memory[k], ctypes.c_size_t()
            user = ctypes.cast(ctypes.pointer(memory), _POINTER)
            last = memory.base + memory.bytes - 1
            hook = native.address_of("sim_access")
            status = add(self._uc._uch, ctypes.byref(handle), kinds, hook, user, memory.base, last)
            assert status == 0, "Unicorn takes no hook"
            self._hooks.append(handle)
        if self._hooks:
            self._uc.ctl_flush_tb()

    def stop(self) -> None:
        """Count no more."""
        delete = importlib.import_module("unicorn.unicorn_py3.unicorn").uclib["uc_hook_del"]
        delete.argtypes = [_POINTER, ctypes.c_size_t]
        self._board.timing.on = 0
        for handle in self._hooks:
            delete(self._uc._uch, handle)
        if self._hooks:
            self._hooks.clear()
            self._uc.ctl_flush_tb()


def _set(made: native.Cache, cache: Cache | None, recent: bool) -> None:
    if cache is not None:
        made.shift, made.sets, made.ways = cache.line.bit_length() - 1, cache.sets, cache.ways
        made.recent = recent
