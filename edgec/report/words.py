"""Sentences about a plan that the picture, the text and the table share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgec.ir import Graph
    from edgec.schedule.plan import Plan
    from edgec.schedule.usage import Usage


def short(name: str, most: int = 48) -> str:
    """A name for a column: of TFLite's joined names ("a;b;c") the first, its end where it is long."""
    name = name.partition(";")[0]
    return name if len(name) <= most else f"...{name[3 - most :]}"


def names(graph: Graph, nodes: Sequence[str]) -> list[str]:
    """The user's names of layers."""
    return [short(graph.node(n).path or n) for n in nodes]


def span_of(graph: Graph, nodes: Sequence[str]) -> str:
    """What is in a region: its only layer, or its first and last and how many rows its loop has."""
    if not nodes:
        return "rows arrive"
    rows = graph.type(graph.node(nodes[-1]).outputs[0]).rows
    first, *rest = names(graph, nodes)
    if not rest:
        return first
    return f"{len(nodes)} layers, {first} to {rest[-1]}, in a loop over {rows} row{'s' * (rows != 1)}"


def gap_of(plan: Plan) -> str:
    """How far the arena is from what is proven."""
    return bound_words(plan.arena, plan.lower_bound, plan.optimal)


def bound_words(arena: int, bound: int, optimal: bool) -> str:
    """How far an arena is from what is proven: bytes."""
    if optimal or arena <= bound:
        return "proven smallest for this order"
    return f"lower bound {bound:,}, gap {(arena - bound) / arena:.1%}"


def peak_line(graph: Graph, usage: Usage) -> str:
    """The fullest step and what is there."""
    peak = usage.peak
    step = usage.plan.steps[peak.step] if peak.step >= 0 else None
    rows = "" if step is None or step.last - step.first != 1 else f", row {step.first}"
    if step is None:
        where = "before the first step"
    else:
        node = peak.node if peak.node in graph.inputs else short(graph.node(peak.node).path or peak.node)
        where = f"in step {peak.step:,} ({node}{rows})"
    return f"most live: {peak.bytes:,} B {where}"
