"""Which constants to copy to SRAM at start, and in which order: the most cycles saved for a byte first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from edgec.schedule.cost import byte_cycles
from edgec.target import Target
from edgec.target_parts import Region

ALIGN = 8
"""Every table in SRAM begins at a multiple of it."""
FAR_CALL = 6
"""Cycles of a call to another memory, too far for a branch, on top of those of any call."""


@dataclass(frozen=True)
class Table:
    """Constant data that kernels read. reads: bytes of it that an inference reads past the data cache."""

    symbol: str
    bytes: int
    reads: int

    @property
    def room(self) -> int:
        """Bytes that it takes in SRAM."""
        return -(-self.bytes // ALIGN) * ALIGN


def fast_tables(tables: Iterable[Table], target: Target, home: Region, used: int, limit: int) -> list[Table]:
    """The tables that are read sooner in SRAM than in `home`, in the order in which they should lie there.

    used: bytes of the SRAM that are taken, from its first on; limit: bytes of it that may be taken. The SRAM
    may be of several memories, the fastest first: with the tables that are read most for a byte in front,
    these come to lie in the fastest.
    """
    ranked = sorted((t for t in tables if t.reads), key=lambda t: (-t.reads / t.bytes, t.symbol))
    stored, at, found = byte_cycles(target, home), -(-used // ALIGN) * ALIGN, list[Table]()
    for table in ranked:
        if at + table.room <= limit and sram_cycles(target, at, table.bytes) < stored:
            found.append(table)
            at += table.room
    return found


def waits(tables: Iterable[Table], fast: Iterable[Table], target: Target, home: Region, used: int) -> float:
    """Cycles that an inference waits for tables, those in `fast` behind `used` bytes of SRAM, in order."""
    at, places = -(-used // ALIGN) * ALIGN, dict[str, float]()
    for table in fast:
        places[table.symbol] = sram_cycles(target, at, table.bytes)
        at += table.room
    stored = byte_cycles(target, home)
    return sum(t.reads * places.get(t.symbol, stored) for t in tables)


def sram_cycles(target: Target, at: int, size: int) -> float:
    """Cycles to wait for a byte of a table that lies in SRAM, `at` bytes behind its beginning."""
    begin, total = target.sram.address + at, 0.0
    for region in target.sram_regions:
        inside = min(region.end, begin + size) - max(region.address, begin)
        total += max(0, inside) * byte_cycles(target, region)
    return total / size


def code_pays(target: Target, size: int, calls: int) -> bool:
    """Whether `size` bytes of a kernel's code, called so often in an inference, take fewer cycles where
    start-up copies code to: in flash each of their lines is brought into the code cache once at least."""
    home = target.fast_code
    if home is None:
        return False
    waits = byte_cycles(target, target.boot, code=True) - byte_cycles(target, home, code=True)
    return size * waits > calls * FAR_CALL


def fewer(tables: Sequence[Table], short: int) -> list[Table]:
    """Without the last ones, that save the least: at least one, and at least `short` bytes."""
    kept = list(tables)
    while kept and short > 0:
        short -= kept.pop().room
    return kept
