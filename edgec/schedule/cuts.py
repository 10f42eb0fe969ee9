"""Where an order is cut into regions, for the least memory."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from functools import cached_property

from edgec.schedule.bound import estimate
from edgec.schedule.lives import tenancies
from edgec.schedule.pull import Region, pull
from edgec.schedule.work import Job

MOST = 48
"""Places to cut at that the search looks at: those across which the fewest bytes are live."""


def partitions(job: Job, order: Sequence[int]) -> Iterator[list[Region]]:
    """Cuts of an order worth trying: none, everywhere, and the best by `bound.estimate`."""
    yield [(w,) for w in order]
    if len(order) > 1:
        yield [tuple(order)]
        yield _Cuts(job, order).best()


class _Cuts:
    def __init__(self, job: Job, order: Sequence[int]) -> None:
        self.job, self.order = job, list(order)
        self.at = {w: k for k, w in enumerate(order)}
        n = len(order)
        self.born = [min((self.at[w] for w in ws), default=-1) for ws in job.writers]
        self.dies = [
            n if b in job.outputs else max((self.at[w] for w in rs), default=self.born[b])
            for b, rs in enumerate(job.readers)
        ]
        self.known: dict[Hashable, int] = {}

    def best(self) -> list[Region]:
        """The cuts whose largest region is the smallest: a shortest path over the places to cut at."""
        places = self.places()
        peak: dict[int, int] = {0: 0}
        back: dict[int, int] = {}
        count = {0: 0}
        for j in places[1:]:
            for i in (p for p in places if p < j):
                if j in peak and peak[i] >= peak[j]:
                    continue
                cost = max(peak[i], self.cost(i, j))
                if j not in peak or (cost, count[i] + 1) < (peak[j], count[j]):
                    peak[j], back[j], count[j] = cost, i, count[i] + 1
        ends = [len(self.order)]
        while ends[-1]:
            ends.append(back[ends[-1]])
        ends.reverse()
        return [tuple(self.order[a:b]) for a, b in zip(ends, ends[1:], strict=False)]

    def places(self) -> list[int]:
        """Where to cut: before the first, after the last, and where fewer bytes are live than beside it."""
        n, live = len(self.order), self.crossing
        inner = [k for k in range(1, n) if live[k] <= live[k - 1] or live[k] <= live[k + 1]]
        inner = sorted(sorted(inner, key=lambda k: (live[k], k))[:MOST])
        return [0, *inner, n]

    @cached_property
    def crossing(self) -> list[int]:
        """Per place: the bytes of all buffers that are written before and read behind."""
        n = len(self.order)
        found = [0] * (n + 1)
        for buffer, born, dies in zip(self.job.buffers, self.born, self.dies, strict=True):
            for k in range(born + 1, min(dies, n) + 1):
                found[k] += buffer.bytes
        return found

    def cost(self, i: int, j: int) -> int:
        """About the bytes live at most while works i .. j-1 of the order run as one region."""
        job, region = self.job, tuple(self.order[i:j])
        touched = dict.fromkeys(b for w in region for b in (*job.works[w].operands, *job.works[w].results))
        kept = {b for b in touched if self.dies[b] >= j}
        around = sum(
            buffer.bytes
            for b, buffer in enumerate(job.buffers)
            if self.born[b] < i and self.dies[b] >= j and b not in touched
        )
        key = self.shape(region, touched, kept)
        if key not in self.known:
            program = pull(job, [region])
            self.known[key] = estimate(program.length, tenancies(job, program, touched, kept))
        return around + self.known[key]

    def shape(self, region: Region, touched: dict[int, None], kept: set[int]) -> Hashable:
        """Equal for regions that cost the same: repeated blocks are looked at once."""
        number = {b: k for k, b in enumerate(touched)}
        works = tuple(
            (
                self.works[w],
                tuple(number[b] for b in (*self.job.works[w].operands, *self.job.works[w].results)),
            )
            for w in region
        )
        return works, tuple((self.job.buffers[b].bytes, b in kept) for b in touched)

    @cached_property
    def works(self) -> list[Hashable]:
        """Per work, all that its cost depends on."""
        return [
            (
                w.rows,
                w.scratch,
                w.at_once,
                w.carries,
                tuple((r.place.bytes, r.place.span, r.first.tobytes(), r.last.tobytes()) for r in w.reads),
                tuple((p.bytes, p.span, p.rows) for p in w.writes),
            )
            for w in self.job.works
        ]
