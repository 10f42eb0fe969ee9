"""From a graph to a plan: tries orders, cuts into regions and placements, and keeps the smallest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from edgec.ir import Graph
from edgec.schedule.bound import live_bound
from edgec.schedule.cuts import partitions
from edgec.schedule.lives import Tenancy, tenancies
from edgec.schedule.order import orders
from edgec.schedule.place import Layout, arena, layout, place
from edgec.schedule.plan import Feed, Plan, Step, Window
from edgec.schedule.pull import Program, Region, pull
from edgec.schedule.solve import improve
from edgec.schedule.work import Job, job_of


def make_plan(
    graph: Graph,
    optimize: Literal["memory", "speed"] = "memory",
    *,
    stream: bool = False,
    regions: bool = True,
) -> Plan:
    """The plan of an integer graph.

    optimize: "speed" looks, among the placements of the same order that need no more memory, for
    one in which no kernel has to copy rows because its result lies over them. stream: inputs arrive row by
    row. regions: whether several ops may run under one row loop; without, every node is one step. Results of
    alias ops share their operand's window and have no step. Constants have no window, a graph output that
    is a constant included. Raises GraphError where a view of a constant was not folded.
    """
    job = job_of(graph, stream=stream)
    packed = _smallest(job, regions)
    if optimize == "speed":
        plain = _Draft.of(job_of(graph, stream=stream, claims=False), packed.draft.regions)
        made = plain.placed()
        if made.size <= packed.size:
            packed = replace(made, bound=min(packed.bound, made.bound))
    return _plan(graph, packed)


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

    def placed(self) -> _Packed:
        """With addresses."""
        made = layout(self.job, self.windows)
        return _Packed(self, made, place(made, self.bound), self.bound)


@dataclass(frozen=True)
class _Packed:
    """A draft with addresses, and a lower bound for it."""

    draft: _Draft
    layout: Layout
    addresses: list[int]
    bound: int

    @property
    def size(self) -> int:
        return arena(self.layout, self.addresses)

    def solved(self) -> _Packed:
        """With the best addresses that the solver finds."""
        addresses, bound = improve(self.layout, self.addresses, self.bound)
        return replace(self, addresses=addresses, bound=bound)


def _smallest(job: Job, regions: bool) -> _Packed:
    """The smallest plan over the drafts worth trying; the solver sees those that packing left improvable."""
    drafts: dict[tuple[Region, ...], _Draft] = {}
    for order in orders(job):
        for cut in partitions(job, order) if regions else [[(w,) for w in order]]:
            key = tuple(tuple(r) for r in cut)
            if key not in drafts:
                drafts[key] = _Draft.of(job, key)
    ranked = sorted(drafts.values(), key=lambda d: d.bound)
    found: list[_Packed] = []
    for draft in ranked:
        if not found or draft.bound < min(p.size for p in found):
            found.append(draft.placed())
    found.sort(key=lambda p: p.size)
    best = found[0].solved()
    for other in found[1:]:
        if other.bound < best.size and (solved := other.solved()).size < best.size:
            best = solved
    return best


def _plan(graph: Graph, packed: _Packed) -> Plan:
    draft, job = packed.draft, packed.draft.job
    windows, scratch = {}, {}
    tops = dict(zip(range(len(draft.windows)), packed.addresses, strict=True))
    for v, p in job.places.items():
        t = draft.windows[p.buffer]
        rows = max(p.rows, 1)
        type = graph.type(v)
        pitch = p.span * t.buffer.unit if p.span else type.row_bytes
        windows[v] = Window(
            tops[p.buffer] + p.offset, pitch, t.capacity // p.span if p.span and t.capacity else rows
        )
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
