"""Placement: addresses for windows, by greedy packing in many orders."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from edgec.schedule.lives import Tenancy, apart
from edgec.schedule.work import Job

EFFORT = 2_000_000
"""Conflicts that the local search may look at: a deterministic measure of time, about 0.3 s."""
TRIES = 100
"""Packings that it may try for every window there is."""
RESTART = 200


@dataclass(frozen=True)
class Box:
    """What placement knows of a window: its bytes, and from when to when it is used."""

    bytes: int
    align: int
    born: int
    dies: int
    scratch: bool

    @staticmethod
    def of(window: Tenancy) -> Box:
        """The box of a window."""
        born, dies = window.span if window.bytes else (0, 0)
        return Box(window.bytes, window.buffer.align, born, dies, window.index < 0)


@dataclass(frozen=True)
class Layout:
    """Boxes to be placed, and how far they have to be apart.

    pairs: (a, y, lo, hi): address of y - address of a is not in lo+1 .. hi-1. A pair of boxes may have
    several such intervals, or none.
    """

    boxes: tuple[Box, ...]
    pairs: tuple[tuple[int, int, int, int], ...]

    @cached_property
    def conflicts(self) -> list[list[tuple[int, int, int]]]:
        """Per box b: (other, lo, hi), where b.address - other.address may not be in lo+1 .. hi-1."""
        found: list[list[tuple[int, int, int]]] = [[] for _ in self.boxes]
        for a, y, lo, hi in self.pairs:
            found[y].append((a, lo, hi))
            found[a].append((y, -hi, -lo))
        return found

    @cached_property
    def teams(self) -> list[int]:
        """Per box, the number of its team: boxes of about one size that take turns, as those of strips do."""
        rivals = [{other for other, _, _ in c} for c in self.conflicts]
        teams: list[list[int]] = []
        found = [0] * len(self.boxes)
        for b in sorted(range(len(self.boxes)), key=lambda b: (-self.boxes[b].bytes, b)):
            box = self.boxes[b]
            for k, team in enumerate(teams):
                first = self.boxes[team[0]]
                turns = any(self.boxes[t].born <= box.dies and box.born <= self.boxes[t].dies for t in team)
                if box.bytes * 3 >= first.bytes * 2 and turns and rivals[b].isdisjoint(team):
                    team.append(b)
                    found[b] = k
                    break
            else:
                found[b] = len(teams)
                teams.append([b])
        return found

    def teamed(self) -> Layout:
        """The layout of the teams: all of a team have one address."""
        boxes: dict[int, Box] = {}
        for box, team in zip(self.boxes, self.teams, strict=True):
            old = boxes.get(team, box)
            boxes[team] = Box(
                max(old.bytes, box.bytes),
                max(old.align, box.align),
                min(old.born, box.born),
                max(old.dies, box.dies),
                box.scratch and old.scratch,
            )
        between: dict[tuple[int, int], list[tuple[int, int]]] = {}
        for a, y, lo, hi in self.pairs:
            one, two = self.teams[a], self.teams[y]
            key, span = ((one, two), (lo, hi)) if one < two else ((two, one), (-hi, -lo))
            between.setdefault(key, []).append(span)
        pairs = [(*key, lo, hi) for key, spans in between.items() for lo, hi in _union(spans)]
        return Layout(tuple(boxes[k] for k in range(len(boxes))), tuple(pairs))


def _union(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for lo, hi in sorted(spans):
        if found and lo < found[-1][1]:
            found[-1] = (found[-1][0], max(hi, found[-1][1]))
        else:
            found.append((lo, hi))
    return found


def layout(job: Job, windows: Sequence[Tenancy]) -> Layout:
    """The boxes of windows with all that keeps them apart."""
    via = {(a, y): work for work in job.works for a in work.operands for y in work.results if a != y}
    boxes = tuple(map(Box.of, windows))
    live = [k for k, box in enumerate(boxes) if box.bytes]
    found: list[tuple[int, int, int, int]] = []
    current: list[int] = []
    for y in sorted(live, key=lambda k: (boxes[k].born, boxes[k].dies, k)):
        current = [a for a in current if boxes[a].dies >= boxes[y].born]
        for a in current:
            one, two = (y, a) if (windows[y].index, windows[a].index) in via else (a, y)
            work = via.get((windows[one].index, windows[two].index))
            found += [(one, two, lo, hi) for lo, hi in apart(windows[one], windows[two], work)]
        current.append(y)
    return Layout(boxes, tuple(found))


def arena(layout: Layout, addresses: Sequence[int]) -> int:
    """Bytes from the arena's start to the end of the last window."""
    return max((a + box.bytes for a, box in zip(addresses, layout.boxes, strict=True)), default=0)


def place(layout: Layout, bound: int, effort: int = EFFORT) -> list[int]:
    """An address per window, the best of several greedy packings and a seeded local search.

    Stops at `bound`, below which nothing can be.
    """
    found = pack_greedily(layout, bound, effort)
    if max(layout.teams, default=0) + 1 < len(layout.boxes) and arena(layout, found) > bound:
        teams = pack_greedily(layout.teamed(), bound, effort)
        shared = [teams[team] for team in layout.teams]
        found = min(found, shared, key=lambda addresses: arena(layout, addresses))
    return found


def pack_greedily(layout: Layout, bound: int, effort: int) -> list[int]:
    """The same, with no thought of boxes that might share an address."""
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
        self.sizes = [box.bytes for box in layout.boxes]
        self.aligns = [box.align for box in layout.boxes]
        self.size = sum(box.bytes + box.align for box in layout.boxes) + 1
        self.order: list[int] = []
        self.addresses: list[int] = []
        self.looked = 0
        self.now: list[int | None] = [None] * len(self.sizes)
        """Addresses of the packing that was tried last."""
        self.efforts = [0] * (len(self.sizes) + 1)
        """Conflicts that its first windows have, by their number."""

    def try_order(self, order: Sequence[int], same: int = 0) -> int | None:
        """Pack in this order and keep it if it is smaller; else which was the window too many.

        same: how many windows at its beginning lie as they did in the packing that was tried last.
        """
        addresses, efforts, conflicts = self.now, self.efforts, self.conflicts
        aligns, sizes, size = self.aligns, self.sizes, self.size
        for b in order[same:]:
            addresses[b] = None
        for k in range(same, len(order)):
            b = order[k]
            near = conflicts[b]
            efforts[k + 1] = efforts[k] + len(near) + 1
            spans = []
            for other, lo, hi in near:
                if (base := addresses[other]) is not None:
                    spans.append((base + lo, base + hi))
            spans.sort()
            x, align = 0, aligns[b]
            for lo, hi in spans:
                if x <= lo:
                    break
                if x < hi:
                    x = -(-hi // align) * align
            if x + sizes[b] >= size:
                self.looked += efforts[k + 1]
                return k
            addresses[b] = x
        self.looked += efforts[len(order)]
        self.addresses = [a for a in addresses if a is not None]
        self.order, self.size = list(order), arena(self.layout, self.addresses)
        return None

    def improve(self, bound: int, effort: int) -> None:
        """Let the window that was one too many go before one that was in its way, again and again.

        After RESTART failures it goes on from the best order with a few windows swapped.
        """
        rng = random.Random(0)
        order, failures, same = list(self.order), 0, 0
        turn = [0] * len(order)
        self.looked = 0
        for _ in range(TRIES * len(order)):
            if self.looked >= effort or self.size <= bound:
                return
            k = self.try_order(order, same)
            failures = 0 if k is None else failures + 1
            if k is None or failures > RESTART:
                order, failures, same = list(self.order), 0, 0
                for _ in range(rng.randrange(6)):
                    i, j = rng.randrange(len(order)), rng.randrange(len(order))
                    order[i], order[j] = order[j], order[i]
                continue
            for i in range(same, k + 1):
                turn[order[i]] = i
            earlier = sorted(
                turn[other] for other, _, _ in self.conflicts[order[k]] if self.now[other] is not None
            )
            if not earlier:
                return
            same = rng.choice(earlier) if rng.random() < 0.8 else earlier[0]
            order.insert(same, order.pop(k))


def _starts(layout: Layout) -> list[list[int]]:
    """Orders to begin with: large, long-lived or contested windows first, or as they come."""
    n = range(len(layout.boxes))
    size = [box.bytes for box in layout.boxes]
    born = [box.born for box in layout.boxes]
    dies = [box.dies for box in layout.boxes]
    hot = _heat(size, born, dies)
    is_scratch = [box.scratch for box in layout.boxes]
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


def _heat(size: Sequence[int], born: Sequence[int], dies: Sequence[int]) -> list[int]:
    """Per window: the most bytes of windows at any time between its birth and its death."""
    times = sorted({*born, *dies})
    at = {t: k for k, t in enumerate(times)}
    load = np.zeros(len(times) + 1, np.int64)
    for n, a, b in zip(size, born, dies, strict=True):
        load[at[a]] += n
        load[at[b] + 1] -= n
    load = np.cumsum(load)
    return [int(load[at[a] : at[b] + 1].max()) for a, b in zip(born, dies, strict=True)]
