"""Row loops: the rows of a region's last work are pulled in order, and each pulls the rows it needs."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from edgec.schedule.work import Job

Region = Sequence[int]
"""Works that run under one row loop, in topological order."""


@dataclass(frozen=True)
class Program:
    """Rows in the order in which they are computed.

    chunks: (work, first row, last row + 1), no two neighbours of which could be one. times: per work,
    when each of its rows is computed, for the last time; the first row of all is at time 0. bursts: per work
    whose rows are computed anew for each block of its reader's: from, to when such rows are live. most: the
    most rows of such a burst.
    """

    chunks: list[tuple[int, int, int]]
    times: list[list[int]]
    bursts: dict[int, list[tuple[int, int]]]
    most: dict[int, int]
    length: int


def pull(job: Job, regions: Sequence[Region]) -> Program:
    """The program of an order that is cut into regions.

    Within a region, rows of the last work (and of others that write parts of the same rows) are computed in
    order; before each, and in the same way, the rows it needs that are not there yet, first of the operand
    that is furthest behind. Other works whose results nothing in the region reads compute a row as soon as
    their operands have what it needs. A work computes its rows in blocks (`Work.block`), of which only the
    last of all is shorter: wherever a row is wanted, the block that it belongs to is computed.
    """
    run = _Run(job)
    for region in regions:
        run.region(region)
    return Program(run.chunks, run.times, run.bursts, run.most, run.time)


class _Run:
    def __init__(self, job: Job) -> None:
        self.job = job
        n = len(job.works)
        self.rows = [w.rows for w in job.works]
        self.block = [w.rows if w.at_once else w.block for w in job.works]
        self.done = [0] * n
        self.times: list[list[int]] = [[] for _ in range(n)]
        self.bursts: dict[int, list[tuple[int, int]]] = {}
        self.most: dict[int, int] = {}
        self.chunks: list[tuple[int, int, int]] = []
        self.time = 0
        self.single = [False] * n
        """Whether a work reads one other in the region, and has nothing computed for itself."""
        self.inside: list[list[tuple[int, list[int]]]] = [[]] * n
        self.followers: list[list[int]] = [[]] * n
        self.anew: list[list[tuple[int, list[int], list[int]]]] = [[]] * n
        """Per work: (producer, first row, last row + 1) of what it has computed for itself."""

    def region(self, region: Region) -> None:
        members = set(region)
        read: set[int] = set()
        for w in region:
            anew = {p for p, _, _ in self.job.anew[w] if p in members}
            self.anew[w] = [n for n in self.job.anew[w] if n[0] in anew]
            self.inside[w] = [(p, rows) for p, rows in self.job.needs[w] if p in members - anew]
            self.single[w] = len(self.inside[w]) == 1 and not self.anew[w]
            self.followers[w] = []
            read.update(anew, (p for p, _ in self.inside[w]))
        last = set(self.job.works[region[-1]].results)
        ends = [w for w in region if w not in read]
        drivers = [w for w in ends if last.intersection(self.job.works[w].results)]
        for w in ends:
            for p, _ in self.inside[w]:
                if w not in drivers:
                    self.followers[p].append(w)
        if len(drivers) == 1:
            self.until(drivers[0], self.rows[region[-1]])
        else:
            for row in range(self.rows[region[-1]]):
                for w in drivers:
                    self.until(w, row + 1)
        for w in region:
            if w in self.bursts:  # rows that nobody wants count as computed with the last one
                times = self.times[w]
                times += times[-1:] * (self.rows[w] - len(times))
            else:
                self.until(w, self.rows[w])
            if not self.rows[w]:
                self.emit(w, 0, 0)

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
