"""Placement: addresses for buffers, by greedy packing in many orders."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from edgec.schedule.work import SCRATCH_ALIGN, Buffer, Job

EFFORT = 2_000_000
"""Conflicts that the local search may look at: a deterministic measure of time, about 0.3 s."""
TRIES = 100
"""Packings that it may try for every buffer there is."""
RESTART = 200


@dataclass(frozen=True)
class Layout:
    """An order of works with the buffers to place: those of the job, then one for every scratch.

    live: per buffer, the first and last step in which it is live, both included. -1 is the time
    before the first step. scratch: work -> index of its scratch buffer.
    """

    job: Job
    order: tuple[int, ...]
    buffers: tuple[Buffer, ...]
    live: tuple[tuple[int, int], ...]
    scratch: dict[int, int]

    @cached_property
    def conflicts(self) -> list[list[tuple[int, int, int]]]:
        """Per buffer b: (other, lo, hi), where b.address - other.address may not be in lo+1 .. hi-1."""
        found: list[list[tuple[int, int, int]]] = [[] for _ in self.buffers]
        for a, y, lo, hi in self.pairs:
            found[y].append((a, lo, hi))
            found[a].append((y, -hi, -lo))
        return found

    @cached_property
    def pairs(self) -> list[tuple[int, int, int, int]]:
        """Buffers live at the same time: (a, y, lo, hi), y.address - a.address is not in lo+1 .. hi-1.

        A pair may have several such intervals, or none.
        """
        sized = (b for b in range(len(self.buffers)) if self.buffers[b].bytes)
        found: list[tuple[int, int, int, int]] = []
        current: list[int] = []
        for y in sorted(sized, key=self.live.__getitem__):
            current = [a for a in current if self.live[a][1] >= self.live[y][0]]
            found += [(a, y, lo, hi) for a in current for lo, hi in self._apart(a, y)]
            current.append(y)
        return found

    def _apart(self, a: int, y: int) -> tuple[tuple[int, int], ...]:
        step = self.live[y][0]
        if step >= 0 and self.live[a][1] == step:
            work = self.job.works[self.order[step]]
            if (a, y) in work.apart:
                return work.apart[a, y]
        return ((-self.buffers[y].bytes, self.buffers[a].bytes),)


def layout(job: Job, order: Sequence[int]) -> Layout:
    """The buffers and live ranges for an order."""
    at = {w: step for step, w in enumerate(order)}
    birth = [-1] * len(job.buffers)
    for w, step in at.items():
        for b in job.works[w].writes:
            birth[b] = step
    end = len(order)
    live = []
    for b, readers in enumerate(job.readers):
        last = end if b in job.outputs else max((at[w] for w in readers), default=birth[b])
        live.append((birth[b], last))
    buffers, scratch = list(job.buffers), {}
    for w, step in at.items():
        if job.works[w].scratch:
            scratch[w] = len(buffers)
            buffers.append(Buffer(f"scratch of {job.works[w].node}", (), job.works[w].scratch, SCRATCH_ALIGN))
            live.append((step, step))
    return Layout(job, tuple(order), tuple(buffers), tuple(live), scratch)


def arena(layout: Layout, addresses: Sequence[int]) -> int:
    """Bytes from the arena's start to the end of the last buffer."""
    return max((a + b.bytes for a, b in zip(addresses, layout.buffers, strict=True)), default=0)


def place(layout: Layout, bound: int, effort: int = EFFORT) -> list[int]:
    """An address per buffer, the best of several greedy packings and a seeded local search.

    Stops at `bound`, below which nothing can be.
    """
    found = _Greedy(layout)
    for start in _starts(layout):
        found.try_order(start)
        if found.size <= bound:
            return found.addresses
    found.improve(bound, effort)
    return found.addresses


class _Greedy:
    """The best packing so far, and the order it came from."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.conflicts = layout.conflicts
        self.sizes = [b.bytes for b in layout.buffers]
        self.aligns = [b.align for b in layout.buffers]
        self.size = sum(b.bytes + b.align for b in layout.buffers) + 1
        self.order: list[int] = []
        self.addresses: list[int] = []
        self.looked = 0

    def try_order(self, order: Sequence[int]) -> int | None:
        """Pack in this order and keep it if it is smaller; else the buffer that was one too many."""
        addresses: list[int | None] = [None] * len(self.sizes)
        for b in order:
            spans = []
            for other, lo, hi in self.conflicts[b]:
                if (base := addresses[other]) is not None:
                    spans.append((base + lo, base + hi))
            spans.sort()
            self.looked += len(self.conflicts[b]) + 1
            x, align = 0, self.aligns[b]
            for lo, hi in spans:
                if x <= lo:
                    break
                if x < hi:
                    x = -(-hi // align) * align
            if x + self.sizes[b] >= self.size:
                return b
            addresses[b] = x
        self.addresses = [a for a in addresses if a is not None]
        self.order, self.size = list(order), arena(self.layout, self.addresses)
        return None

    def improve(self, bound: int, effort: int) -> None:
        """Let the buffer that was one too many go before one that was in its way, again and again.

        After RESTART failures it goes on from the best order with a few buffers swapped.
        """
        rng = random.Random(0)
        order, failures = list(self.order), 0
        self.looked = 0
        for _ in range(TRIES * len(order)):
            if self.looked >= effort or self.size <= bound:
                return
            failed = self.try_order(order)
            failures = 0 if failed is None else failures + 1
            if failed is None or failures > RESTART:
                order, failures = list(self.order), 0
                for _ in range(rng.randrange(6)):
                    i, j = rng.randrange(len(order)), rng.randrange(len(order))
                    order[i], order[j] = order[j], order[i]
                continue
            turn = {b: k for k, b in enumerate(order)}
            k = turn[failed]
            earlier = sorted(turn[other] for other, _, _ in self.conflicts[failed] if turn[other] < k)
            if not earlier:
                return
            to = rng.choice(earlier) if rng.random() < 0.8 else earlier[0]
            order.insert(to, order.pop(k))


def _starts(layout: Layout) -> list[list[int]]:
    """Orders to begin with: large, long-lived or contested buffers first, or as they come."""
    n = range(len(layout.buffers))
    size = [b.bytes for b in layout.buffers]
    born, dies = zip(*layout.live, strict=True) if layout.live else ((), ())
    load = [0] * (len(layout.order) + 2)
    for b in n:
        for step in range(born[b], dies[b] + 1):
            load[step + 1] += size[b]
    hot = [max(load[born[b] + 1 : dies[b] + 2]) for b in n]
    is_scratch = [b >= len(layout.job.buffers) for b in n]
    keys = [
        lambda b: (not is_scratch[b], -hot[b], -dies[b], -size[b]),
        lambda b: (-size[b], born[b]),
        lambda b: (-hot[b], -size[b], born[b]),
        lambda b: (-(dies[b] - born[b]), -size[b]),
        lambda b: (-size[b] * (dies[b] - born[b] + 1), born[b]),
        lambda b: (born[b], -dies[b]),
        lambda b: (-dies[b], born[b]),
        lambda b: (-hot[b], -dies[b], -size[b]),
        lambda b: (-hot[b], born[b], -size[b]),
    ]
    return [sorted(n, key=key) for key in keys]
