"""Small graphs: every order, cut in every way, smallest first."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from itertools import permutations

from edgec.schedule.bound import live_bound
from edgec.schedule.lives import tenancies
from edgec.schedule.pull import Region, pull
from edgec.schedule.work import Job

WORKS = 13
"""Graphs of more works than these are too large."""
REGIONS = 2500
"""Regions that are looked at; with more, what is found need not be the best."""
FEW = 5
"""Works of a region up to which all their orders are tried."""
ENDS = 3
"""Works of a region that nothing in it reads, besides the last, up to which all their orders are tried."""


def schedules(job: Job, below: Callable[[], int]) -> Iterator[tuple[int, list[Region]]]:
    """Orders cut into regions, with the bytes that each takes at least, in ascending order of these.

    Of long regions that differ only in the order of works that pull each other's rows, one is looked at.
    below: the bytes that a schedule has to be below to be of interest, asked again all the time.
    """
    search = _Small(job)
    heap: list[tuple[int, int, int, int, tuple[Region, ...]]] = [(0, 0, 0, 0, ())]
    count = 0
    while heap and heap[0][0] < below():
        bound, _, _, done, path = heapq.heappop(heap)
        if done == search.all:
            yield bound, list(path)
            continue
        for after, region, cost in search.regions(done):
            cost = max(bound, cost)
            if cost < below():
                count += 1
                heapq.heappush(heap, (cost, -after.bit_count(), count, after, (*path, region)))


class _Small:
    def __init__(self, job: Job) -> None:
        self.job = job
        self.needs = [sum(1 << p for p in before) for before in job.before]
        self.all = (1 << len(job.works)) - 1
        self.known: dict[int, list[tuple[int, Region, int]]] = {}
        self.left = REGIONS

    def regions(self, done: int) -> list[tuple[int, Region, int]]:
        """What can come next: works done then, the region, and the bytes that are live in it at most."""
        if done not in self.known:
            found = []
            for members in self.extensions(done):
                for region in self.loops(members):
                    if self.left > 0:
                        self.left -= 1
                        found.append((done | members, region, self.bound(done, region)))
            self.known[done] = found
        return self.known[done]

    def extensions(self, done: int) -> list[int]:
        """Sets of works that can be done next, together."""
        found, front = {0}, [0]
        while front:
            members = front.pop()
            for w, needs in enumerate(self.needs):
                bit = 1 << w
                ready = not (done | members) & bit and not needs & ~(done | members)
                if ready and members | bit not in found:
                    found.add(members | bit)
                    front.append(members | bit)
        return sorted(found - {0})

    def loops(self, members: int) -> Iterator[Region]:
        """The row loops over a set of works that differ."""
        works = [w for w in range(len(self.needs)) if members >> w & 1]
        if len(works) <= FEW:
            yield from self.sorted(members)
            return
        read = 0
        for w in works:
            read |= self.needs[w]
        inner = [w for w in works if read >> w & 1]
        ends = [w for w in works if not read >> w & 1]
        for driver in ends:
            rest = [w for w in ends if w != driver]
            for order in permutations(rest) if len(rest) <= ENDS else [rest]:
                yield (*inner, *order, driver)

    def sorted(self, members: int) -> Iterator[Region]:
        """All topological orders of works."""
        if not members:
            yield ()
        for w, needs in enumerate(self.needs):
            if members >> w & 1 and not needs & members:
                yield from ((w, *rest) for rest in self.sorted(members & ~(1 << w)))

    def bound(self, done: int, region: Region) -> int:
        """Bytes live at most while a region runs, all that is needed before and later included."""
        job = self.job
        behind = done | sum(1 << w for w in region)
        touched = dict.fromkeys(b for w in region for b in (*job.works[w].operands, *job.works[w].results))
        kept, around = set(), 0
        for b, buffer in enumerate(job.buffers):
            later = b in job.outputs or any(not behind >> r & 1 for r in job.readers[b])
            written = b in job.inputs or any(done >> w & 1 for w in job.writers[b])
            if b in touched and later:
                kept.add(b)
            elif b not in touched and later and written:
                around += buffer.bytes
        program = pull(job, [region])
        return around + live_bound(job, program, tenancies(job, program, touched, kept))
