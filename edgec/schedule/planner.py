"""From a graph to a plan: tries orders and placements and keeps the smallest."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from edgec.ir import Graph
from edgec.schedule.bound import lower_bound
from edgec.schedule.order import orders
from edgec.schedule.place import Layout, arena, layout, place
from edgec.schedule.plan import Plan, Step, Window
from edgec.schedule.solve import improve
from edgec.schedule.work import Job, job_of


def make_plan(graph: Graph, optimize: Literal["memory", "speed"] = "memory") -> Plan:
    """The plan of an integer graph. Every step computes all rows of a node, every window is whole.

    optimize: "speed" looks, among the placements of the same order that need no more memory, for
    one in which no kernel has to copy rows because its result lies over them. Results of alias ops
    share their operand's window and have no step. Constants have no window, a graph output that
    is a constant included. Raises GraphError where a view of a constant was not folded.
    """
    packed = _smallest(job_of(graph))
    plan = _plan(graph, packed)
    if optimize == "speed":
        plain = layout(job_of(graph, claims=False), packed.layout.order)
        addresses = place(plain, plan.lower_bound)
        if arena(plain, addresses) <= plan.arena:
            return _plan(graph, replace(packed, layout=plain, addresses=addresses))
    return plan


@dataclass(frozen=True)
class _Packed:
    """An order, its placement, and a lower bound for it."""

    layout: Layout
    addresses: list[int]
    bound: int

    @property
    def size(self) -> int:
        return arena(self.layout, self.addresses)


def _smallest(job: Job) -> _Packed:
    """The smallest plan over the orders worth trying; the solver sees those that packing left improvable."""
    found = []
    for order in orders(job):
        made, bound = layout(job, order), lower_bound(job, order)
        found.append(_Packed(made, place(made, bound), bound))
    found.sort(key=lambda p: p.size)
    best = _solved(found[0])
    for other in found[1:]:
        if other.bound < best.size and (solved := _solved(other)).size < best.size:
            best = solved
    return best


def _solved(packed: _Packed) -> _Packed:
    addresses, bound = improve(packed.layout, packed.addresses, packed.bound)
    return replace(packed, addresses=addresses, bound=bound)


def _plan(graph: Graph, packed: _Packed) -> Plan:
    made, addresses = packed.layout, packed.addresses
    windows = {}
    for buffer, address in zip(made.job.buffers, addresses, strict=False):
        for value in buffer.values:
            type = graph.type(value)
            windows[value] = Window(address, type.row_bytes, type.rows)
    works = made.job.works
    return Plan(
        steps=tuple(Step(works[w].node, 0, works[w].rows) for w in made.order),
        windows={v: windows[v] for v in graph.values if v in windows},
        scratch={works[w].node: (addresses[b], made.buffers[b].bytes) for w, b in made.scratch.items()},
        arena=packed.size,
        lower_bound=packed.bound,
        regions=tuple((works[w].node,) for w in made.order),
        optimal=packed.size == packed.bound,
    )
