"""Forms of a graph that compute the same and nothing twice, among which a search chooses."""

from __future__ import annotations

import numpy as np

from edgec.ir import Graph
from edgec.ops.attention_reads import dims_of, heads_of
from edgec.ops.base import call_of
from edgec.passes.clone_producer import CloneProducer
from edgec.passes.rerun_sites import Site, rerun_sites
from edgec.passes.running_sums import RunningSums
from edgec.passes.split_attention import SplitAttention

EXCLUDED = -1e4
"""A mask of no more hides a key (`ops.attention`)."""


def free_forms(graph: Graph) -> list[tuple[Graph, tuple[str, ...]]]:
    """The graph, and forms of it that compute nothing twice."""
    found: list[tuple[Graph, tuple[str, ...]]] = [(graph, ())]
    graph = graph.copy()
    moves: tuple[str, ...] = ()
    if RunningSums().run(graph).made:
        moves = ("running sums",)
        found.append((graph, moves))
    ways = [
        ("keys and values apart from queries", SplitAttention()),
        ("attention head by head", SplitAttention(heads=True)),
    ]
    if order := _last_head_first(graph):
        ways.append(("attention head by head, the last one first", SplitAttention(True, order=order)))
    for named, way in ways:
        split = graph.copy()
        changed = way.run(split).made
        free = _free_reruns(split)
        if free:
            CloneProducer(free).run(split)
        if changed or free:
            done = (named,) if changed else ()
            found.append((split, (*moves, *done, *(("layers run twice at no cost",) if free else ()))))
        if not changed:
            break
    return found


def _last_head_first(graph: Graph) -> tuple[int, ...]:
    """The heads of attention backwards, where they do not all look at the same keys; else nothing.

    Heads that are alike can change places, and no order of them takes less than another.
    """
    for node in graph.nodes():
        if node.op == "attention" and len(node.inputs) > 3:
            call = call_of(graph, node)
            b, count, t, s, *_ = dims_of(call)
            hidden = np.broadcast_to(heads_of(call.const(3), call, count) <= EXCLUDED, (b, count, t, s))
            if (hidden != hidden[:, :1]).any():
                return tuple(reversed(range(count)))
    return ()


def _free_reruns(graph: Graph) -> tuple[Site, ...]:
    """Sites that cost no multiply-accumulate and hold nothing longer than it is held anyway."""
    found: dict[tuple[str, tuple[tuple[str, int], ...]], Site] = {}
    for site in rerun_sites(graph, 0.0):
        if site.macs == 0 and site.held == 0:
            found.setdefault((site.value, site.consumers), site)
    return tuple(found.values())
