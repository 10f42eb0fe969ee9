"""Where an order is cut into regions, for the least memory."""

from __future__ import annotations

from collections.abc import Container, Hashable, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import pairwise

import numpy as np

from edgec.schedule.bound import estimate
from edgec.schedule.lives import Tenancy, tenancies
from edgec.schedule.place import arena, layout, place
from edgec.schedule.pull import Region, pull
from edgec.schedule.recall import Recall, number
from edgec.schedule.work import Job

MOST = 200
"""Places to cut at that the search looks at: those across which the fewest bytes are live."""
TRIES = 60
"""Regions that it places by themselves to know their cost exactly."""
EFFORT = 200_000
"""How hard it tries (`place.EFFORT`)."""
FAR = 1.25
"""How many times the bytes that are of interest an estimate is beyond which nothing else is looked at."""

_REMEMBERED = 20_000
"""Regions whose costs are remembered."""
_estimates: Recall[tuple[int, int]] = Recall(_REMEMBERED)
_exact: Recall[int] = Recall(_REMEMBERED)


def partitions(job: Job, order: Sequence[int], below: float) -> Iterator[list[Region]]:
    """Cuts of an order worth trying: everywhere, none, and the best by `bound.estimate`.

    below: bytes; cuts that are estimated to take many more are not looked at closely.
    """
    yield [(w,) for w in order]
    if len(order) > 1:
        cuts = _Cuts(job, order)
        if cuts.barriers[-1] <= 1:
            yield [tuple(order)]
        yield cuts.best(below * FAR)


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
        self.shapes: dict[tuple[int, int], Hashable] = {}
        self.costs: dict[tuple[int, int], int] = {}
        self.around: dict[tuple[int, int], int] = {}
        self.estimates: dict[Hashable, int] = {}
        self.exact: dict[Hashable, int] = {}

    def best(self, enough: float) -> list[Region]:
        """The cuts whose largest region is the smallest; any where that takes more than `enough`.

        A shortest path over the places to cut at. Regions cost what crosses their ends until they lie on
        the best path; then what they cost is estimated, and in the end they are placed, and each time the
        path is looked for again.
        """
        tries = 0
        while True:
            ends, peak = self.path()
            regions = list(pairwise(ends))
            if peak > enough:
                break
            if unknown := [r for r in regions if r not in self.costs]:
                for i, j in unknown:
                    self.learn(i, j)
                continue
            loose = [r for r in regions if self.shapes[r] not in self.exact]
            if not loose or tries == TRIES:
                break
            worst = max(loose, key=lambda r: self.costs[r])
            if self.costs[worst] < max(self.costs[r] for r in regions):
                break
            self.measure(*worst)
            tries += 1
        return [tuple(self.order[a:b]) for a, b in regions]

    def path(self) -> tuple[list[int], int]:
        """The places of the best cuts by what is known of the regions' costs, and the largest of these."""
        places, n = self.places, len(self.places)
        peak, count, back = np.zeros(n, np.int64), np.zeros(n, np.int64), [0] * n
        for k in range(1, n):
            low = self.earliest[k]
            cost = np.maximum(peak[low:k], self.known[low:k, k])
            best = np.flatnonzero(cost == cost.min())[::-1]
            i = int(best[count[low:k][best].argmin()])
            peak[k], count[k], back[k] = cost[i], count[low + i] + 1, low + i
        ends = [n - 1]
        while ends[-1]:
            ends.append(back[ends[-1]])
        return [places[k] for k in reversed(ends)], int(peak[-1])

    @cached_property
    def index(self) -> dict[int, int]:
        """Per place, its index among them."""
        return {k: x for x, k in enumerate(self.places)}

    @cached_property
    def known(self) -> np.ndarray:
        """What regions cost at least, by the indices of the places where they begin and end."""
        crossing = np.array([self.crossing[k] for k in self.places], np.int64)
        return np.maximum(crossing[:, None], crossing)

    @cached_property
    def sure(self) -> np.ndarray:
        """Of which regions `known` is an estimate, not a bound."""
        return np.zeros(self.known.shape, bool)

    @cached_property
    def earliest(self) -> list[int]:
        """Per place, the index of the first at which a region may begin that ends there."""
        barriers = [self.barriers[k] for k in self.places]
        return [
            min((i for i in range(k) if barriers[k] - barriers[i] <= 1), default=max(k - 1, 0))
            for k in range(len(barriers))
        ]

    @cached_property
    def places(self) -> list[int]:
        """Where to cut: before the first, after the last, and where fewer bytes are live than beside it."""
        n, live = len(self.order), self.crossing
        torn = self.torn
        inner = [k for k in range(1, n) if not torn[k] and (live[k] <= live[k - 1] or live[k] <= live[k + 1])]
        inner = sorted(sorted(inner, key=lambda k: (live[k], k))[:MOST])
        return [0, *inner, n]

    @cached_property
    def torn(self) -> list[bool]:
        """Per place: whether it lies between works that write parts of the same rows."""
        found = [False] * (len(self.order) + 1)
        for works in self.job.writers:
            at = [self.at[w] for w in works]
            for k in range(min(at, default=0) + 1, max(at, default=0) + 1):
                found[k] = True
        return found

    @cached_property
    def crossing(self) -> list[int]:
        """Per place: the bytes of all buffers that are written before and read behind."""
        n = len(self.order)
        found = [0] * (n + 1)
        for buffer, born, dies in zip(self.job.buffers, self.born, self.dies, strict=True):
            for k in range(born + 1, min(dies, n) + 1):
                found[k] += buffer.bytes
        return found

    @cached_property
    def barriers(self) -> list[int]:
        """Per place: the works in front of it whose first row needs all rows of another's result.

        A loop over several of them is no better than a loop for each.
        """
        found = [0]
        for w in self.order:
            found.append(found[-1] + bool(self.job.waits(w)))
        return found

    def learn(self, i: int, j: int) -> None:
        """Estimate what a region costs. Those that contain it cost as much as what it does not share."""
        touched, kept, around = self.buffers(i, j)
        key = self.shapes[i, j] = self.shape(tuple(self.order[i:j]), touched, kept)

        def find() -> tuple[int, int]:
            length, windows = self.alone(i, j, touched, kept)
            inner = [t for t in windows if t.index < 0 or (t.index not in kept and self.born[t.index] >= i)]
            return estimate(length, windows), estimate(length, inner)

        self.estimates[key], inner = _estimates(key, find)
        self.around[i, j] = around
        a, b = self.index[i], self.index[j]
        containing, loose = self.known[: a + 1, b:], ~self.sure[: a + 1, b:]
        np.maximum(containing, inner, out=containing, where=loose)
        self.costs[i, j] = self.known[a, b] = self.cost(i, j)
        self.sure[a, b] = True

    def cost(self, i: int, j: int) -> int:
        """About the bytes live at most while works i .. j-1 of the order run as one region."""
        key = self.shapes[i, j]
        return self.around[i, j] + max(self.estimates[key], self.exact.get(key, 0))

    def measure(self, i: int, j: int) -> None:
        """Place a region's windows by themselves, so that its cost is exact."""
        key = self.shapes[i, j]

        def size() -> int:
            touched, kept, _ = self.buffers(i, j)
            made = layout(self.job, self.alone(i, j, touched, kept)[1])
            return arena(made, place(made, self.estimates[key], EFFORT))

        self.exact[key] = _exact(key, size)
        for r in self.costs:
            if self.shapes[r] == key:
                self.costs[r] = self.known[self.index[r[0]], self.index[r[1]]] = self.cost(*r)

    def alone(
        self, i: int, j: int, touched: Iterable[int], kept: Container[int]
    ) -> tuple[int, list[Tenancy]]:
        """How many rows a region computes, and the windows that they take."""
        program = pull(self.job, [tuple(self.order[i:j])])
        return program.length, tenancies(self.job, program, touched, kept)

    def buffers(self, i: int, j: int) -> tuple[dict[int, None], set[int], int]:
        """What works i .. j-1 of the order read and write, what of it is needed later, bytes of all else."""
        works = [self.job.works[w] for w in self.order[i:j]]
        touched = dict.fromkeys(b for work in works for b in (*work.operands, *work.results))
        kept = {b for b in touched if self.dies[b] >= j}
        through = (b for b, born in enumerate(self.born) if born < i and self.dies[b] >= j)
        return touched, kept, sum(self.job.buffers[b].bytes for b in through if b not in touched)

    def shape(self, region: Region, touched: dict[int, None], kept: set[int]) -> Hashable:
        """Equal for regions that cost the same: repeated blocks are looked at once."""
        number = {b: k for k, b in enumerate(touched)}
        works = [
            (self.works[w], *(number[b] for b in (*work.operands, *work.results)))
            for w, work in ((w, self.job.works[w]) for w in region)
        ]
        return tuple(works), tuple((self.sizes[b], b in kept) for b in touched)

    @cached_property
    def works(self) -> list[int]:
        """Per work, a number for all that its cost depends on."""
        return [
            number(
                (
                    *(w.rows, w.scratch, w.at_once, w.carries, w.again, w.block),
                    tuple((r.place.rows, r.place.span, r.place.offset, r.place.bytes) for r in w.reads),
                    tuple((r.claimed, r.first.tobytes(), r.last.tobytes()) for r in w.reads),
                    tuple((p.rows, p.span, p.offset, p.bytes) for p in w.writes),
                )
            )
            for w in self.job.works
        ]

    @cached_property
    def sizes(self) -> list[int]:
        """Per buffer, a number for its size and how it is divided."""
        return [number((b.unit, b.units, b.multiple, b.align)) for b in self.job.buffers]
