"""Row loops: the rows of a region's last work are pulled one by one, and each pulls the rows it needs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from edgec.schedule.work import Job

Region = Sequence[int]
"""Works that run under one row loop, in topological order."""


@dataclass(frozen=True)
class Program:
    """Rows in the order in which they are computed.

    chunks: (work, first row, last row + 1), no two neighbours of which could be one. times: per work,
    when each of its rows is computed; the first row of all is at time 0.
    """

    chunks: list[tuple[int, int, int]]
    times: list[list[int]]
    length: int


def pull(job: Job, regions: Sequence[Region], eager: Collection[int] = (), block: int = 1) -> Program:
    """The program of an order that is cut into regions.

    Within a region, rows of the last work are computed in order; before each, and in the same way, the
    rows it needs that are not there yet, first of the operand that is furthest behind. Works whose results nothing in the region reads, and those of
    `eager`, compute a row as soon as their operands have what it needs. block: rows computed in one go.
    """
    run = _Run(job, block)
    for region in regions:
        run.region(region, frozenset(eager))
    return Program(run.chunks, run.times, run.time)


class _Run:
    def __init__(self, job: Job, block: int) -> None:
        self.job, self.block = job, block
        n = len(job.works)
        self.rows = [w.rows for w in job.works]
        self.done = [0] * n
        self.times: list[list[int]] = [[] for _ in range(n)]
        self.chunks: list[tuple[int, int, int]] = []
        self.time = 0
        self.inside: list[list[tuple[int, list[int]]]] = [[]] * n
        self.followers: list[list[int]] = [[]] * n

    def region(self, region: Region, eager: frozenset[int]) -> None:
        members = set(region)
        read: set[int] = set()
        for w in region:
            self.inside[w] = [(p, rows) for p, rows in self.job.needs[w] if p in members]
            self.followers[w] = []
            read.update(p for p, _ in self.inside[w])
        for w in region:
            if w in eager or w not in read:
                for p, _ in self.inside[w]:
                    self.followers[p].append(w)
        driver = region[-1]
        for row in range(self.rows[driver]):
            self.until(driver, row + 1)
        for w in region:
            self.until(w, self.rows[w])
            if not self.rows[w]:
                self.emit(w, 0, 0)

    def until(self, work: int, rows: int) -> None:
        """Have so many rows of a work done."""
        done = self.done
        while done[work] < rows:
            stack = [work]
            while stack:
                w = stack[-1]
                last = self.next(w)
                behind = [p for p, need in self.inside[w] if done[p] < need[last - 1]]
                if len(behind) == 1:
                    stack.append(behind[0])
                elif behind:
                    stack.append(min(behind, key=lambda p: done[p] / self.rows[p]))
                else:
                    self.emit(w, done[w], last)
                    if self.followers[w]:
                        self.follow(w)
                    stack.pop()

    def next(self, w: int) -> int:
        """The end of the next block of rows."""
        if self.job.works[w].at_once:
            return self.rows[w]
        return min(self.done[w] + self.block, self.rows[w])

    def follow(self, w: int) -> None:
        """Let the eager readers of a work catch up."""
        for f in self.followers[w]:
            while self.done[f] < self.rows[f]:
                last = self.next(f)
                if any(self.done[p] < need[last - 1] for p, need in self.inside[f]):
                    break
                self.emit(f, self.done[f], last)
                self.follow(f)

    def emit(self, w: int, first: int, last: int) -> None:
        self.done[w] = last
        self.times[w].extend(range(self.time, self.time + last - first))
        self.time += last - first
        if self.chunks and self.chunks[-1][0] == w and self.chunks[-1][2] == first:
            self.chunks[-1] = (w, self.chunks[-1][1], last)
        else:
            self.chunks.append((w, first, last))
