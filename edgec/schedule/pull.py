"""Row loops: the rows of a region's last work are pulled in order, and each pulls the rows it needs."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import accumulate

import numpy as np

from edgec.schedule.recall import Recall
from edgec.schedule.work import Job

Region = Sequence[int]
"""Works that run under one row loop, in topological order."""

_NO_TIMES = np.zeros(0, np.int64)
_REMEMBERED = 1_000_000
"""Chunks of all row loops that are remembered."""


@dataclass(frozen=True)
class Loop:
    """The row loop of a region. Works are places in it, the first row is computed at time 0.

    chunks, times, bursts, most, length: as in `Program`.
    """

    chunks: list[tuple[int, int, int]]
    times: list[np.ndarray]
    bursts: dict[int, list[tuple[int, int]]]
    most: dict[int, int]
    length: int


_loops: Recall[Loop] = Recall(_REMEMBERED, lambda loop: len(loop.chunks) + 1)


@dataclass(frozen=True)
class Program:
    """Rows in the order in which they are computed: row loops one after the other.

    works: how many the job has.
    """

    works: int
    loops: list[tuple[Region, Loop]]

    @cached_property
    def begins(self) -> list[int]:
        """When every row loop begins, and when the last ends."""
        return list(accumulate((loop.length for _, loop in self.loops), initial=0))

    @property
    def length(self) -> int:
        """How many rows are computed."""
        return self.begins[-1]

    @cached_property
    def chunks(self) -> list[tuple[int, int, int]]:
        """(work, first row, last row + 1), no two neighbours of which could be one."""
        return [(region[k], a, b) for region, loop in self.loops for k, a, b in loop.chunks]

    @cached_property
    def times(self) -> list[np.ndarray]:
        """Per work, when each of its rows is computed, for the last time; the first of all at time 0."""
        found = [_NO_TIMES] * self.works
        for (region, loop), begin in zip(self.loops, self.begins, strict=False):
            for w, times in zip(region, loop.times, strict=True):
                found[w] = times + begin
        return found

    @cached_property
    def bursts(self) -> dict[int, list[tuple[int, int]]]:
        """Per work whose rows are computed anew for each block of its reader's: from, to when they live."""
        return {
            region[k]: [(begin + a, begin + b) for a, b in spans]
            for (region, loop), begin in zip(self.loops, self.begins, strict=False)
            for k, spans in loop.bursts.items()
        }

    @cached_property
    def most(self) -> dict[int, int]:
        """Per such work: the most rows of a burst."""
        return {region[k]: rows for region, loop in self.loops for k, rows in loop.most.items()}


def pull(job: Job, regions: Sequence[Region]) -> Program:
    """The program of an order that is cut into regions.

    Within a region, rows of the last work (and of others that write parts of the same rows) are computed in
    order; before each, and in the same way, the rows it needs that are not there yet, first of the operand
    that is furthest behind. Other works whose results nothing in the region reads compute a row as soon as
    their operands have what it needs. A work computes its rows in blocks (`Work.block`), of which only the
    last of all is shorter: wherever a row is wanted, the block that it belongs to is computed.
    """
    loops = [(r, _loops(_key(job, r), partial(_loop, job, r))) for r in regions]
    return Program(len(job.works), loops)


def _loop(job: Job, region: Region) -> Loop:
    return _Run(job, region).loop()


def _key(job: Job, region: Region) -> Hashable:
    """Equal for regions with the same row loop."""
    at = {w: k for k, w in enumerate(region)}
    last = set(job.works[region[-1]].results)
    return tuple(
        (
            job.works[w].rows,
            job.works[w].step,
            not last.isdisjoint(job.works[w].results),
            tuple((at[p], need) for p, need in job.numbered[w][0] if p in at),
            tuple((at[p], need) for p, need in job.numbered[w][1] if p in at),
        )
        for w in region
    )


class _Run:
    def __init__(self, job: Job, region: Region) -> None:
        works = [job.works[w] for w in region]
        n, at = len(works), {w: k for k, w in enumerate(region)}
        self.rows = [w.rows for w in works]
        self.block = [w.step for w in works]
        self.done = [0] * n
        self.times: list[list[int]] = [[] for _ in works]
        self.bursts: dict[int, list[tuple[int, int]]] = {}
        self.most: dict[int, int] = {}
        self.chunks: list[tuple[int, int, int]] = []
        self.time = 0
        self.anew = [[(at[p], a, b) for p, a, b in job.anew[w] if p in at] for w in region]
        """Per work: (producer, first row, last row + 1) of what it has computed for itself."""
        own = [{p for p, _, _ in anew} for anew in self.anew]
        self.inside = [
            [(at[p], rows) for p, rows in job.needs[w] if p in at and at[p] not in mine]
            for w, mine in zip(region, own, strict=True)
        ]
        self.single = [len(i) == 1 and not a for i, a in zip(self.inside, self.anew, strict=True)]
        """Whether a work reads one other in the region, and has nothing computed for itself."""
        read = {p for inside in self.inside for p, _ in inside}.union(*own)
        last = set(works[-1].results)
        ends = [k for k in range(n) if k not in read]
        self.drivers = [k for k in ends if last.intersection(works[k].results)]
        self.followers: list[list[int]] = [[] for _ in works]
        for k in ends:
            for p, _ in self.inside[k]:
                if k not in self.drivers:
                    self.followers[p].append(k)

    def loop(self) -> Loop:
        """Compute all rows."""
        if len(self.drivers) == 1:
            self.until(self.drivers[0], self.rows[-1])
        else:
            for row in range(self.rows[-1]):
                for w in self.drivers:
                    self.until(w, row + 1)
        for w, rows in enumerate(self.rows):
            if w in self.bursts:  # rows that nobody wants count as computed with the last one
                self.times[w] += self.times[w][-1:] * (rows - len(self.times[w]))
            else:
                self.until(w, rows)
            if not rows:
                self.emit(w, 0, 0)
        times = [np.array(t, np.int64) for t in self.times]
        return Loop(self.chunks, times, self.bursts, self.most, self.time)

    def until(self, work: int, rows: int) -> None:
        """Have so many rows of a work done."""
        done, inside, single = self.done, self.inside, self.single
        stack = [(work, rows)]
        while stack:
            w, rows = stack[-1]
            first = done[w]
            if first >= rows:
                stack.pop()
                continue
            last = min(first + self.block[w], self.rows[w])
            if single[w]:
                p, need = inside[w][0]
                if done[p] < need[last - 1]:
                    stack.append((p, need[last - 1]))
                    continue
            elif inside[w] or self.anew[w]:
                behind = self.behind(w, first, last)
                if len(behind) == 1:
                    stack.append(behind[0])
                    continue
                if behind:
                    p = min(behind, key=lambda b: done[b[0]] / self.rows[b[0]])[0]
                    stack.append((p, done[p] + 1))
                    continue
            if self.anew[w] or self.followers[w]:
                self.compute(w, first, last)
            else:
                more = 0 if last >= rows else self.whole(w, min(rows, self.can(w)))
                self.emit(w, first, max(last, more))

    def behind(self, w: int, first: int, last: int) -> list[tuple[int, int]]:
        """What rows of a work need and is not there yet: (producer, how many rows of it)."""
        done = self.done
        found = [(p, need[last - 1]) for p, need in self.inside[w] if done[p] < need[last - 1]]
        for p, _, ends in self.anew[w]:
            if end := max(ends[first:last]):
                found += [(q, need[end - 1]) for q, need in self.inside[p] if done[q] < need[end - 1]]
        return found

    def can(self, w: int) -> int:
        """How many rows of a work its operands have what it needs for."""
        found = self.rows[w]
        for p, need in self.inside[w]:
            found = min(found, bisect_right(need, self.done[p]))
        return found

    def whole(self, w: int, rows: int) -> int:
        """So many rows of a work, less those of a block that is not complete."""
        return rows if rows == self.rows[w] else rows - rows % self.block[w]

    def compute(self, w: int, first: int, last: int) -> None:
        """Compute rows of a work whose operands are there, but for what it has computed for itself."""
        begun = []
        for p, firsts, ends in self.anew[w]:
            a, b = min(firsts[first:last]), max(ends[first:last])
            if a < b:
                begun.append((p, self.time))
                self.most[p] = max(self.most.get(p, 0), b - a)
                self.emit(p, a, b)
        self.emit(w, first, last)
        for p, time in begun:
            self.bursts.setdefault(p, []).append((time, self.time - 1))
        if self.followers[w]:
            self.follow(w)

    def follow(self, w: int) -> None:
        """Let the readers of a work that nothing pulls catch up."""
        for f in self.followers[w]:
            first, last = self.done[f], self.whole(f, self.can(f))
            if first < last and not self.anew[f]:
                self.emit(f, first, last)

    def emit(self, w: int, first: int, last: int) -> None:
        """Note that rows of a work are computed now."""
        time, times, chunks = self.time, self.times[w], self.chunks
        if first == len(times) == last - 1:
            times.append(time)
        else:
            times += [time] * (first - len(times))
            times[first:last] = range(time, time + last - first)
        if last > self.done[w]:
            self.done[w] = last
        self.time = time + last - first
        if chunks and chunks[-1][0] == w and chunks[-1][2] == first:
            chunks[-1] = (w, chunks[-1][1], last)
        else:
            chunks.append((w, first, last))
