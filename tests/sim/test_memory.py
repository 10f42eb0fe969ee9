"""Caches and memories behind them, access by access."""

from __future__ import annotations

import ctypes

import pytest

from edgec.sim import native
from edgec.sim.timer import Timer
from edgec.target import load_target

READ, WRITE = 16, 17
FLASH, SRAM, QSPI = 0x0800_0000, 0x2001_0000, 0x9000_0000


class Bus:
    """A board of which only the memories are used."""

    def __init__(self, target: str) -> None:
        self.board = native.Board()
        self.timer = Timer(load_target(target), self.board, None)
        self.cost = native.BlockCost()
        self.totals = (native.Total * 1)()
        self.board.totals = self.totals
        native.library().sim_reset(self.board)
        self.board.timing.on = 1
        self.board.timing.running = ctypes.addressof(self.cost)

    def access(self, address: int, kind: int = READ, size: int = 4) -> int:
        """Cycles that an access waits."""
        timing, before = self.board.timing, self.board.timing.now
        memory = next(m for m in timing.memory if m.base <= address < m.base + m.bytes)
        hook = native.library().sim_access
        hook.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_uint64, ctypes.c_int, ctypes.c_int64]
        hook.argtypes += [ctypes.POINTER(native.Memory)]
        hook(None, kind, address, size, 0, ctypes.pointer(memory))
        assert self.totals[0].cycles == self.cost.spent == timing.now
        return int(timing.now - before)

    def rest(self, cycles: int = 1000) -> None:
        """Let time pass without an access."""
        self.board.timing.now += cycles
        self.totals[0].cycles += cycles
        self.cost.spent += cycles


def test_a_line_comes_word_by_word() -> None:
    bus = Bus("stm32f746")
    waits = [bus.access(FLASH + 4 * k) for k in range(9)]
    # 12 in core and bus, 7 of the flash; every beat of 8 bytes a cycle later; the line behind, anew
    assert waits == [19, 0, 1, 0, 1, 0, 1, 0, 19]


def test_the_word_asked_for_comes_first() -> None:
    bus = Bus("stm32f746")
    assert [bus.access(FLASH + 16), bus.access(FLASH + 8), bus.access(FLASH + 24)] == [19, 3, 0]


def test_lines_stay_until_their_set_is_full() -> None:
    bus = Bus("stm32f746")
    sets = 4096 // 32 // 4
    same = [FLASH + 32 * sets * k for k in range(5)]
    for address in same[:4]:
        bus.access(address)
        bus.rest()
    assert [bus.access(a) for a in same[:4]] == [0, 0, 0, 0]
    bus.access(same[4])
    bus.rest()
    assert [bus.access(a) for a in same[1:]] == [0, 0, 0, 0]
    assert bus.access(same[0]) == 19


def test_stores_wait_for_a_busy_memory_only() -> None:
    bus = Bus("stm32f746")
    assert bus.access(SRAM, WRITE) == 0
    assert bus.access(SRAM + 4, WRITE) == 0
    assert bus.access(SRAM + 32, WRITE) == 12 + 1 + 7  # the first line is still on its way


def test_changed_lines_are_written_back() -> None:
    lines = 4096 // 32
    clean, dirty = Bus("stm32f746"), Bus("stm32f746")
    for k in range(lines):
        clean.access(SRAM + 32 * k)
        dirty.access(SRAM + 32 * k, WRITE)
        clean.rest()
        dirty.rest()
    assert dirty.access(SRAM + 32 * lines) - clean.access(SRAM + 32 * lines) == 1 + 8


def test_serial_flash_goes_on_where_it_was() -> None:
    bus = Bus("stm32f746g-disco")
    waits = [bus.access(QSPI + 4 * k) for k in range(17)]
    assert waits == [12 + 108, *[16] * 7, 12 + 16, *[16] * 7, 12 + 16]
    assert bus.access(QSPI + 0x1000) > 108


def test_accesses_that_are_not_aligned() -> None:
    m7, m4 = Bus("stm32f746"), Bus("stm32f446")
    for bus, extra in ((m7, 3), (m4, 1)):
        bus.access(FLASH)
        bus.rest()
        assert [bus.access(FLASH), bus.access(FLASH + 1), bus.access(FLASH + 1, size=1)] == [0, extra, 0]


def test_data_lines_of_the_art_accelerator() -> None:
    bus = Bus("stm32f446")
    assert [bus.access(FLASH + 16 * k) for k in range(8)] == [5] * 8
    assert [bus.access(FLASH + 16 * k + 12) for k in range(8)] == [0] * 8
    bus.access(FLASH)  # the first is now the one used last
    assert bus.access(FLASH + 16 * 8) == 5
    assert [bus.access(FLASH), bus.access(FLASH + 16)] == [0, 5]


@pytest.mark.parametrize("target", ["stm32f746", "stm32f446"])
def test_nothing_is_left_of_what_ran_before(target: str) -> None:
    bus = Bus(target)
    first = [bus.access(FLASH + 40 * k) for k in range(50)]
    native.library().sim_reset(bus.board)
    bus.board.timing.running = ctypes.addressof(bus.cost)
    bus.totals[0].cycles = bus.cost.spent = 0
    assert [bus.access(FLASH + 40 * k) for k in range(50)] == first
