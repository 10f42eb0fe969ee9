"""From a graph to a plan: tries orders, cuts into regions and placements, and keeps the smallest."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate, pairwise
from math import inf
from typing import Literal

from edgec.ir import Graph
from edgec.schedule.bound import live_bound, peaks
from edgec.schedule.cuts import partitions
from edgec.schedule.lives import Tenancy, tenancies
from edgec.schedule.order import orders
from edgec.schedule.place import EFFORT, Layout, arena, layout, pack_greedily, place
from edgec.schedule.plan import Feed, Plan, Step, Window
from edgec.schedule.pull import Program, Region, pull
from edgec.schedule.scatter import REACH, scattered
from edgec.schedule.small import WORKS, schedules
from edgec.schedule.solve import improve
from edgec.schedule.work import Job, calls_of, job_of

Goal = Literal["memory", "speed"]

SETTLED = 40
"""Schedules of a small graph that are placed, each with QUICK effort (`place.EFFORT`)."""
QUICK = 1000
APART = 0.02
"""Share of the arena that rows placed one by one have to save: where each lies is a table in flash."""
FAR = 1.1
"""How many times the bytes that are of interest a first try may take for others to be made."""
SIMPLE = 120
"""Pairs of windows up to which the solver is asked about a schedule that packing did not make smaller."""


def make_plan(
    graph: Graph,
    optimize: Goal = "memory",
    *,
    stream: bool = False,
    regions: bool = True,
    apart: bool = True,
) -> Plan:
    """The plan of an integer graph.

    optimize: "speed" looks, among the placements of the same order that need no more memory, for
    one in which no kernel has to copy rows because its result lies over them. stream: inputs arrive row by
    row. regions: whether several ops may run under one row loop; without, every node is one step. apart:
    whether rows of a window may be placed one by one (scatter.py). Results of alias ops share their operand's
    window and have no step. Constants have no window, a graph output that is a constant included. Raises
    GraphError where a view of a constant was not folded.
    """
    return pack(graph, optimize, stream=stream, regions=regions).solved(apart=apart).plan(graph)


def pack(
    graph: Graph,
    optimize: Goal = "memory",
    *,
    stream: bool = False,
    regions: bool = True,
    again: Container[str] = (),
    below: float = inf,
) -> Packed:
    """What `make_plan` gives, before the solver has looked for better addresses.

    again: nodes whose rows are not kept for the next row of their reader, but computed anew. below: bytes
    that a plan has to be smaller than to be of interest: what cannot be is placed without any effort.
    """
    calls = calls_of(graph)
    job = job_of(graph, calls, stream=stream, again=again)
    cuts = (c for o in orders(job) for c in (partitions(job, o, below) if regions else [[(w,) for w in o]]))
    found = _placed(job, cuts, below)
    if stream and min(below, *(p.size for p in found)) >= sum(graph.type(v).bytes for v in graph.inputs):
        # No plan for whole inputs is smaller than they are; where one may be, all rows can be fed first.
        whole, shift = pack(graph, regions=regions, again=again, below=below), len(graph.inputs)
        fed = [(w,) for w in range(shift)]
        best = [p.draft.regions for p in (whole, *whole.others)]
        found += _placed(job, ([*fed, *(tuple(w + shift for w in r) for r in cut)] for cut in best), below)
    packed = min(found, key=lambda p: p.size)
    if regions and len(job.works) <= WORKS and not again:
        packed = _settled(job, packed._in_one_piece(inf))
    packed = replace(packed, others=tuple(p for p in found if p is not packed and p.bound < packed.size))
    unclaimed = job_of(graph, calls, stream=stream, claims=False, again=again)
    apart = _Draft.of(unclaimed, packed.draft.regions)
    enough = packed.size + (optimize == "speed")
    if apart.bound < min(enough, below) and (made := apart.placed()).size < enough:
        packed = replace(made, bound=min(packed.bound, made.bound), others=(packed,))
    return packed


def _settled(job: Job, best: Packed) -> Packed:
    """The smallest placement of all orders and cuts of a small job."""
    limit, tries = [best.size], SETTLED
    for _, regions in schedules(job, lambda: limit[0]):
        tries -= 1
        draft = _Draft.of(job, tuple(regions))
        if draft.bound < best.size:
            found = draft.placed(QUICK)
            if found.size < best.size or len(found.layout.pairs) <= SIMPLE:
                found = found._in_one_piece(best.size)
            best = min(best, found, key=lambda p: p.size)
        limit[0] = best.size if tries else 0
    return best


def _placed(job: Job, cuts: Iterable[Sequence[Region]], below: float) -> list[Packed]:
    """Placements of cut orders, but for those that cannot be smaller than one that is there.

    below: as in `pack`.
    """
    drafts = [_Draft.of(job, key) for key in dict.fromkeys(tuple(map(tuple, cut)) for cut in cuts)]
    found: list[Packed] = []
    for draft in sorted(drafts, key=lambda d: d.bound):
        if not found or draft.bound < min(p.size for p in found):
            found.append(draft.placed(EFFORT if draft.bound < below else 0))
    return found


@dataclass(frozen=True)
class _Draft:
    """A cut order with its rows, windows and a lower bound; not placed yet."""

    job: Job
    regions: tuple[Region, ...]
    program: Program
    windows: list[Tenancy]
    bound: int

    @staticmethod
    def of(job: Job, regions: Sequence[Region]) -> _Draft:
        program = pull(job, regions)
        windows = tenancies(job, program)
        return _Draft(job, tuple(regions), program, windows, live_bound(job, program, windows))

    def placed(self, effort: int = EFFORT) -> Packed:
        """With addresses."""
        made = layout(self.job, self.windows)
        return Packed(self, made, place(made, self.bound, effort), self.bound)


@dataclass(frozen=True)
class Packed:
    """A cut order with addresses, and a lower bound for it. others: what might become smaller than it.

    boxes: per window of the draft, the boxes of the layout that it is: one, or one for each row.
    """

    draft: _Draft
    layout: Layout
    addresses: list[int]
    bound: int
    others: tuple[Packed, ...] = ()
    boxes: tuple[range, ...] = ()

    @cached_property
    def size(self) -> int:
        """Bytes of the arena."""
        return arena(self.layout, self.addresses)

    @property
    def job(self) -> Job:
        """What was packed."""
        return self.draft.job

    @cached_property
    def peaks(self) -> dict[str, int]:
        """The most bytes that are live while a node is computed, by node."""
        return peaks(self.job, self.draft.program, self.draft.windows)

    @property
    def steps(self) -> Iterator[tuple[str, int]]:
        """Node and number of rows, of every step."""
        for w, first, last in self.draft.program.chunks:
            if not self.draft.job.works[w].feeds:
                yield self.draft.job.works[w].node, last - first

    def solved(self, below: float = inf, *, apart: bool = True) -> Packed:
        """The best that the solver finds of this and the others, with rows one by one where that saves more.

        below: bytes; only less is of interest. apart: as in `make_plan`.
        """
        if self.boxes:
            return self
        best = self._in_one_piece(below)
        if not apart:
            return best
        for one in sorted((replace(self, others=()), *self.others), key=lambda p: p.draft.bound):
            limit = best.size if best.boxes else int(best.size * (1 - APART))
            if one.draft.bound < min(limit, below):
                found = one.apart(limit)
                best = found if found is not None and found.size < limit else best
        return best

    def _in_one_piece(self, below: float) -> Packed:
        """The best that the solver finds with windows as they are."""
        best = self._solved(below)
        for other in self.others:
            if other.bound < best.size and (found := other._solved(best.size)).size < best.size:
                best = found
        return best

    def apart(self, below: float = inf) -> Packed | None:
        """The same with rows that are placed one by one; None where none can be.

        below: bytes; where a first try takes many more, no other is made.
        """
        draft = self.draft
        rows = scattered(self.job, draft.program, draft.windows)
        if rows is None or self.size > REACH:
            return None
        ends = list(accumulate(map(len, rows), initial=0))
        made = layout(self.job, [t for some in rows for t in some])
        boxes = tuple(range(a, b) for a, b in pairwise(ends))
        packed = Packed(draft, made, pack_greedily(made, draft.bound, 0), draft.bound, boxes=boxes)
        if packed.size >= below * FAR:
            return None
        return replace(packed, addresses=pack_greedily(made, draft.bound, EFFORT))

    def _solved(self, below: float) -> Packed:
        addresses, bound = improve(self.layout, self.addresses, self.bound, below)
        return replace(self, addresses=addresses, bound=bound, others=())

    def plan(self, graph: Graph) -> Plan:
        """The plan of the graph that was packed."""
        return _plan(graph, self)


def _plan(graph: Graph, packed: Packed) -> Plan:
    draft, job = packed.draft, packed.draft.job
    windows, scratch = {}, {}
    lie = packed.boxes or [range(k, k + 1) for k in range(len(draft.windows))]
    places = [[packed.addresses[b] for b in boxes] for boxes in lie]
    tops = [min(some) for some in places]
    for v, p in job.places.items():
        t = draft.windows[p.buffer]
        rows = max(p.rows, 1)
        type = graph.type(v)
        pitch = p.span * job.buffers[p.buffer].unit if p.span else type.row_bytes
        held = t.capacity // p.span if p.span and t.capacity else rows
        top, some = tops[p.buffer], places[p.buffer]
        slots = tuple(at - top for at in some) if len(some) > 1 else ()
        windows[v] = Window(top + p.offset, pitch, t.rows or held, slots)
    for k, t in enumerate(draft.windows):
        if t.work >= 0:
            scratch[job.works[t.work].node] = (tops[k], t.bytes)
    steps: list[Step | Feed] = []
    for w, first, last in draft.program.chunks:
        work = job.works[w]
        steps.append(Feed(work.node, first, last) if work.feeds else Step(work.node, first, last))
    return Plan(
        steps=tuple(steps),
        windows={v: windows[v] for v in graph.values if v in windows},
        scratch=scratch,
        arena=packed.size,
        lower_bound=packed.bound,
        regions=tuple(
            names
            for r in draft.regions
            if (names := tuple(job.works[w].node for w in r if not job.works[w].feeds))
        ),
        optimal=packed.size == packed.bound,
    )
