"""When every row is live, how few of them a window holds, and where two windows may not lie.

The time of an event (one row computed) is twice its number, so that there is time between two of them.
A unit lives from the event that writes it to the last that reads it, both included: results are written while
operands are still read. What an op claims (`Op.overwrites`) is the exception. Results of a block
(`Work.block`) live until all of it is written, which is in any order.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from edgec.schedule.pull import Program
from edgec.schedule.work import ALIGN, SCRATCH_ALIGN, Buffer, Job, Place, Read, Work, up

_NEVER = -(1 << 40)
BEFORE = -2
"""The time before the first event, when inputs that are not streamed are written."""


@dataclass(frozen=True)
class Tenancy:
    """A window to be placed, and the lives of the units that it holds.

    Unit k lies in slot k mod capacity, from birth[k], which ascends, to death[k]. index: of the buffer in
    the job; -1 for scratch, which has a unit for every stretch of rows that its work computes, all of them
    in one slot.
    """

    index: int
    buffer: Buffer
    capacity: int
    birth: np.ndarray
    death: np.ndarray
    work: int = -1
    """Whose scratch it is; -1 for a buffer."""
    rows: int = 0
    """Where a unit is a burst of rows, computed anew for each row of their reader: how many."""
    first: int = 0
    """Which unit of the buffer the first is: rows that are placed one by one are tenancies of their own."""

    @property
    def bytes(self) -> int:
        """Bytes of the window, rounded up."""
        return up(self.buffer.unit * self.capacity)

    @cached_property
    def span(self) -> tuple[int, int]:
        """The first birth and the last death."""
        return int(self.birth[0]), int(self.death.max())

    @cached_property
    def whole(self) -> tuple[int, int]:
        """The last birth and the first death: from, to when all units are live together, if ever."""
        return int(self.birth[-1]), int(self.death.min())


def tenancies(
    job: Job, program: Program, buffers: Iterable[int] | None = None, kept: Container[int] = ()
) -> list[Tenancy]:
    """One per buffer of the job, with the smallest safe capacity; behind them one per scratch.

    For a program of a part of the job: buffers, which it touches; kept, which of those are read later.
    """
    end = 2 * program.length
    found = []
    times = [2 * t for t in program.times]
    for b in range(len(job.buffers)) if buffers is None else buffers:
        buffer = job.buffers[b]
        anew = [w for w in job.writers[b] if w in program.bursts]
        if anew:
            found.append(_burst(job, program, b, anew[0]))
            continue
        birth, death = np.full((2, buffer.units), BEFORE, np.int64)
        for w in job.writers[b]:
            for place in job.works[w].writes:
                if place.buffer == b:
                    _write(birth, death, times[w], place.span)
        for w in job.writers[b]:
            if job.works[w].block > 1 and len(times[w]):
                span = next(p.span for p in job.works[w].writes if p.buffer == b)
                np.maximum(death, _ends(times[w], job.works[w].block, span), out=death)
        for w in job.readers[b]:
            for read in job.works[w].reads:
                if read.place.buffer == b:
                    note(death, times[w], read)
        for w in job.writers[b]:
            if job.works[w].carries and len(times[w]):
                span = next(p.span for p in job.works[w].writes if p.buffer == b)
                carried = np.repeat(times[w][1:] - 1, span)
                np.maximum(death[: len(carried)], carried, out=death[: len(carried)])
        if b in job.outputs or b in kept:
            death[:] = end
        found.append(Tenancy(b, buffer, capacity(job, b, birth, death), birth, death))
    for w, work in enumerate(job.works):
        if work.scratch and len(times[w]):
            size = Buffer(f"scratch of {work.node}", (), work.scratch, 1, 1, SCRATCH_ALIGN)
            bursts = program.bursts.get(w)
            birth, death = 2 * np.array(bursts, np.int64).T if bursts else _runs(times[w])
            found.append(Tenancy(-1, size, 1, birth, death, w))
    return found


def _burst(job: Job, program: Program, b: int, w: int) -> Tenancy:
    """The window of rows that are computed anew for each row of their reader: all of it lives, or nothing."""
    rows, buffer = program.most[w], job.buffers[b]
    size = buffer.unit * rows * job.works[w].writes[0].span
    birth, death = 2 * np.array(program.bursts[w], np.int64).T
    one = Buffer(buffer.name, buffer.values, size, 1, 1, buffer.align)
    return Tenancy(b, one, 1, birth, death, rows=rows)


def capacity(job: Job, b: int, birth: np.ndarray, death: np.ndarray) -> int:
    """The fewest units that a window may hold: as many as are ever live together, in order."""
    buffer = job.buffers[b]
    if b in job.outputs or b in job.inputs or not buffer.units:
        return buffer.units
    if birth[-1] == BEFORE or death[0] > birth[-1]:
        return buffer.units
    reach = np.searchsorted(birth, death, "right") - np.arange(buffer.units)
    return min(up(int(reach.max()), buffer.multiple), buffer.units)


def _write(birth: np.ndarray, death: np.ndarray, times: np.ndarray, span: int) -> None:
    """Units live from their first writer on, and at least until the last: parts of a join have one each."""
    if not len(times):
        return
    first, last = (np.repeat(times, span),) * 2 if span else (times[:1], times[-1:])
    birth[:] = np.where(birth == BEFORE, first, np.minimum(birth, first))
    np.maximum(death, last, out=death)


def _ends(times: np.ndarray, block: int, span: int) -> np.ndarray:
    """Per unit of a result, when the last row of its block is computed."""
    last = times[np.minimum(np.arange(len(times)) // block * block + block, len(times)) - 1]
    return np.repeat(last, span) if span else times[-1:]


def note(death: np.ndarray, times: np.ndarray, read: Read) -> None:
    """Put off the death of every unit until its last reader."""
    if not len(times):
        return
    if read.final is not None:
        units, rows = read.final
        death[units] = np.maximum(death[units], times[rows])
        return
    some = read.first <= read.last
    for a, b, t in zip(read.first[some], read.last[some], times[some], strict=True):
        np.maximum(death[a : b + 1], t, out=death[a : b + 1])


def _runs(times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First and last time of every run of rows that are computed one right after the other."""
    cut = np.flatnonzero(times[1:] - times[:-1] > 2)
    return times[np.concatenate(([0], cut + 1))], times[np.concatenate((cut, [len(times) - 1]))]


# -- where two windows may not lie ----------------------------------------


def apart(a: Tenancy, y: Tenancy, via: Work | None) -> list[tuple[int, int]]:
    """Open intervals (lo, hi), ends multiples of ALIGN, in which address of y - address of a may not be.

    via: the work that reads a and writes y, if there is one.
    """
    if not a.bytes or not y.bytes or a.span[0] > y.span[1] or y.span[0] > a.span[1]:
        return []
    over = (
        via is not None
        and not a.rows
        and not y.rows
        and any(r.claimed and r.place.buffer == a.index for r in via.reads)
    )
    single = len(a.birth) == len(y.birth) == 1 and not over
    if single or max(a.whole[0], y.whole[0]) < min(a.whole[1], y.whole[1]):
        return [(-y.bytes, a.bytes)]
    found = []
    units = np.arange(len(y.birth))
    ends = [*(np.flatnonzero(np.diff(a.death) < 0) + 1), len(a.death)]
    for begin, end in zip([0, *ends], ends, strict=False):
        birth, death = a.birth[begin:end], a.death[begin:end]
        hi = begin + np.searchsorted(birth, y.death, "right")
        lo = begin + np.searchsorted(death, y.birth, "left")
        if via is None or not over:
            found += _intervals(a, y, units, lo, hi)
        else:
            free = np.minimum(begin + np.searchsorted(death, y.birth, "right"), hi)
            found += _intervals(a, y, units, free, hi)
            found += _claimed(a, y, units, lo, free, via)
    if not found:
        return []
    low = np.concatenate([f[0] for f in found])
    high = np.concatenate([f[1] for f in found])
    if not len(low):
        return []
    return _united(np.maximum(low, -y.bytes), np.minimum(high, a.bytes))


def _intervals(
    a: Tenancy, y: Tenancy, units: np.ndarray, lo: np.ndarray, hi: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray]]:
    """For units of y, each with units lo .. hi-1 of a: the distances at which they share a byte."""
    some = lo < hi
    if not some.any():
        return []
    units, lo, hi = units[some], lo[some], hi[some]
    at = units % y.capacity * y.buffer.unit
    c = a.capacity
    all_slots = hi - lo >= c
    first = np.where(all_slots, 0, lo % c)
    last = np.where(all_slots, c, (hi - 1) % c + 1)
    wraps = first >= last
    spans = [(first, np.where(wraps, c, last)), (np.zeros_like(first), np.where(wraps, last, 0))]
    found = []
    for begin, end in spans:
        low = begin * a.buffer.unit - at - y.buffer.unit
        high = end * a.buffer.unit - at
        real = (begin < end) & (low < high)
        found.append((low[real], high[real]))
    return found


def _claimed(
    a: Tenancy, y: Tenancy, units: np.ndarray, lo: np.ndarray, hi: np.ndarray, work: Work
) -> list[tuple[np.ndarray, np.ndarray]]:
    """The same for units that die as the unit of y is written, where the op claims that rows may overlap.

    A result row may begin no later than each of the rows that it lies over, and end no later than that one
    or, in front of row i of the operand, than this, if it needs row i.
    """
    out = next(p for p in work.writes if p.buffer == y.index)
    found = []
    for k in range(int((hi - lo).max(initial=0))):
        some = lo + k < hi
        unit, dying = units[some], lo[some] + k
        at = unit % y.capacity * y.buffer.unit
        slot = dying % a.capacity * a.buffer.unit
        high = slot + a.buffer.unit - at
        allowed = high
        row, dying = (y.first + unit) // max(out.span, 1), a.first + dying
        for x in (r for r in work.reads if r.place.buffer == a.index):
            needs = (x.first[row] <= dying) & (dying <= x.last[row])
            allowed = np.where(needs, np.minimum(allowed, _allowed(x, a, dying, out, y, row)), allowed)
        low = np.maximum(slot - at - y.buffer.unit, allowed)
        found.append((low[low < high], high[low < high]))
    return found


def _allowed(x: Read, a: Tenancy, dying: np.ndarray, out: Place, y: Tenancy, row: np.ndarray) -> np.ndarray:
    """Up to which distance result rows may lie over units that they need of an operand."""
    if not x.claimed:
        return np.full(len(row), _NEVER)
    source = dying // max(x.place.span, 1)
    ahead = (source < row) & (row * x.place.span <= x.last[row]) & (row < x.place.rows)
    end = _start(x.place, a, np.where(ahead, row, source)) + x.place.bytes - out.bytes
    distance = np.minimum(_start(x.place, a, source), end) - _start(out, y, row)
    elsewhere = ahead & (len(a.birth) < a.buffer.units)  # how far row i is from this one is not known
    return np.where((row < x.place.rows) & ~elsewhere, distance, _NEVER)


def _start(place: Place, window: Tenancy, row: np.ndarray) -> np.ndarray:
    """The first byte of rows, from the beginning of their window."""
    if not place.span:
        return row * place.bytes + place.offset
    return (row * place.span - window.first) % window.capacity * window.buffer.unit + place.offset


def _united(low: np.ndarray, high: np.ndarray) -> list[tuple[int, int]]:
    """The union of open intervals whose ends are rounded outwards to multiples of ALIGN."""
    low, high = low // ALIGN * ALIGN, -(-high // ALIGN) * ALIGN
    order = np.lexsort((high, low))
    low, high = low[order], np.maximum.accumulate(high[order])
    cut = np.flatnonzero(low[1:] >= high[:-1])
    starts, ends = low[np.append(0, cut + 1)], high[np.append(cut, len(high) - 1)]
    return [(int(a), int(b)) for a, b in zip(starts, ends, strict=True) if a < b]
