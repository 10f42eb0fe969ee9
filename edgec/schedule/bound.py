"""Lower bounds: bytes that no placement can do without."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from edgec.schedule.lives import BEFORE, Tenancy, apart, note
from edgec.schedule.pull import Program
from edgec.schedule.work import Job

_EVER = 1 << 40


def shared(size_in: int, size_out: int, apart: Sequence[tuple[int, int]]) -> int:
    """The most bytes an operand and a result can share at distances outside the open intervals `apart`.

    The outermost ends are distances at which they are disjoint or share some.
    """
    at = {0, size_in - size_out, *(end for interval in apart for end in interval)}
    allowed = (d for d in at if not any(lo < d < hi for lo, hi in apart))
    return max(min(d + size_out, size_in) - max(d, 0) for d in allowed)


def extent(job: Job, w: int, dying: Collection[int]) -> int:
    """The fewest bytes that whole operands which die in a work, and its whole results, can take together.

    The operands are disjoint, the results are disjoint, and a result shares with each operand at
    most what the distances allow.
    """
    work = job.works[w]
    ins = sum(job.buffers[a].bytes for a in dying)
    outs = sum(job.buffers[y].bytes for y in work.results)
    alone = 0
    for y in work.results:
        size = job.buffers[y].bytes
        for a in dying:
            size -= overlap(job, w, a, y)
        alone += max(size, 0)
    return max(ins + alone, outs)


def overlap(job: Job, w: int, a: int, y: int) -> int:
    """The most bytes that operand a and result y of a work can share when both are whole and a dies there."""
    if (w, a, y) not in job.overlaps:
        job.overlaps[w, a, y] = _overlap(job, w, a, y)
    return job.overlaps[w, a, y]


def _overlap(job: Job, w: int, a: int, y: int) -> int:
    work, x, out = job.works[w], job.buffers[a], job.buffers[y]
    if not x.units or not out.units:
        return 0
    times = 2 * np.arange(work.rows, dtype=np.int64)
    death = np.full(x.units, BEFORE, np.int64)
    for read in work.reads:
        if read.place.buffer == a:
            note(death, times, read)
    span = next(p.span for p in work.writes if p.buffer == y)
    birth = np.repeat(times, span) if span else times[:1]
    if len(birth) != out.units:
        return 0
    before = Tenancy(a, x, x.units, np.full(x.units, BEFORE, np.int64), death)
    after = Tenancy(y, out, out.units, birth, np.full(out.units, _EVER))
    return shared(x.bytes, out.bytes, apart(before, after, work))


def live_bound(job: Job, program: Program, windows: Sequence[Tenancy]) -> int:
    """The most bytes of rows and scratch that are live at one time, whatever the windows are."""
    return int(_live(job, program, windows).max())


def peaks(job: Job, program: Program, windows: Sequence[Tenancy]) -> dict[str, int]:
    """The most bytes of rows and scratch that are live while a node is computed, by node."""
    live, found = _live(job, program, windows), dict[str, int]()
    for work, times in zip(job.works, program.times, strict=True):
        if len(times) and not work.feeds:
            found[work.node] = int(live[2 * times + 2].max())
    return found


def _live(job: Job, program: Program, windows: Sequence[Tenancy]) -> np.ndarray:
    """Bytes of rows and scratch that are live, by time, two places further on.

    At an event, operands and results are live together, but for those that the op lays over each other.
    """
    live = np.zeros(2 * program.length + 6, np.int64)
    for t in windows:
        if t.bytes:
            np.add.at(live, t.birth + 2, t.buffer.unit)
            np.subtract.at(live, t.death + 3, t.buffer.unit)
    live = np.cumsum(live)
    for work, times in zip(job.works, program.times, strict=True):
        under = sum(
            int((r.last - r.first).max() + 1) * job.buffers[r.place.buffer].unit
            for r in work.reads
            if r.claimed
        )
        if under and len(times):
            live[2 * times + 2] -= min(under, max(p.bytes for p in work.writes))
    return live


def estimate(length: int, windows: Sequence[Tenancy]) -> int:
    """About the bytes that a good placement takes: a ring counts whole while any of its rows is live."""
    begins, ends, sizes = [], [], []
    for t in windows:
        if not t.bytes:
            continue
        if t.capacity >= len(t.birth):
            begins.append(t.birth + 3)
            ends.append(t.death)
            sizes.append(t.buffer.unit)
            continue
        death = np.maximum.accumulate(t.death)
        fresh = np.flatnonzero(t.birth[1:] > death[:-1])
        begins.append(t.birth[np.concatenate(([0], fresh + 1))] + 2)
        ends.append(death[np.concatenate((fresh, [len(death) - 1]))])
        sizes.append(t.bytes)
    if not sizes:
        return 0
    size = np.repeat(np.array(sizes, float), [len(b) for b in begins])  # exact: far below 2**53 bytes
    more = np.bincount(np.concatenate(begins), size, 2 * length + 6)
    less = np.bincount(np.concatenate(ends) + 3, size, 2 * length + 6)
    return int(np.cumsum(more - less).max())
