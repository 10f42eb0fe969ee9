"""Attention whose queries, keys and values come out of one layer gets a layer for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgec.ir import Graph, Node
from edgec.ops.attention_reads import NAMES, dims_of, views_of
from edgec.ops.base import call_of
from edgec.passes.base import Changes, Pass
from edgec.passes.projections import Source, origin, overlap, own_view, projection, shared, source_of
from edgec.passes.rewrite import add, replace


@dataclass(frozen=True)
class SplitAttention(Pass):
    """Attention on one joint projection gets a projection each for queries, keys and values.

    So keys and values can be whole while there is one query at a time. heads: moreover, every head
    becomes an attention of its own, so that only one head's keys and values are whole. only: names of
    the attention nodes to look at; None for all. order: in which heads follow each other, where there are
    so many; else as they are numbered. No multiply-accumulate is added.
    """

    heads: bool = False
    only: frozenset[str] | None = None
    order: tuple[int, ...] = ()

    def run(self, graph: Graph) -> Changes:
        changes = Changes()
        for node in graph.nodes():
            if node.op != "attention" or (self.only is not None and node.name not in self.only):
                continue
            where, count = node.path or node.name, dims_of(call_of(graph, node))[1]
            found = [source_of(graph, node, k) for k in range(3)]
            reasons = [s for s in found if isinstance(s, str)]
            stay = {origin(graph, node.inputs[k]) for k in range(3) if isinstance(found[k], str)}
            sources = [s if isinstance(s, Source) and s.node.outputs[0] not in stay else None for s in found]
            joint = sources[0] is not None and shared(sources, 0)
            if overlap(sources, count):
                changes.left(where, "its operands share channels of a projection")
            elif self.heads and count > 1 and any(sources[1:]):
                own = len(self.order) == count
                _by_head(graph, node, sources, self.order if own else range(count))
                changes.did(where, f"{count} attentions of one head, with their own projections")
            elif joint:
                _split(graph, node, sources)
                changes.did(where, "queries, keys and values are projected by themselves")
            else:
                changes.left(where, reasons[0] if reasons else "its projections are separate")
        graph.prune()
        return changes


def _split(graph: Graph, node: Node, sources: Sequence[Source | None]) -> None:
    """A projection each for operands that had one in common."""
    call = call_of(graph, node)
    dims = dims_of(call)
    views = [(v.offset, *v.strides) for v in views_of(call)]
    inputs = list(node.inputs)
    for k in (1, 2, 0):
        source = sources[k]
        if source is not None and shared(sources, k):
            columns = source.columns(range(dims[1]))
            inputs[k], views[k] = projection(graph, source, columns, node), own_view(source, len(columns))
    graph.set_inputs(node, inputs)
    node.attrs |= {"dims": dims} | {f"{n}_view": v for n, v in zip(NAMES, views, strict=True)}


def _by_head(graph: Graph, node: Node, sources: Sequence[Source | None], order: Sequence[int]) -> None:
    """An attention for each head, on projections of its own, their results side by side."""
    call, made, results = call_of(graph, node), dict[tuple[int, int], str](), dict[int, str]()
    b, _, t, s, d, dv = dims_of(call)
    type = call.outs[0].with_(shape=(b, t, 1, dv))
    for h in order:
        inputs, attrs = list(node.inputs), dict(node.attrs) | {"dims": (b, 1, t, s, d, dv)}
        for k in (1, 2, 0):
            source, view = sources[k], views_of(call)[k]
            batch, head, token = view.strides
            attrs[f"{NAMES[k]}_view"] = (view.offset + h * head, batch, 0, token)
            if source is not None:
                columns = source.columns([h])
                if (k, columns[0]) not in made:
                    made[k, columns[0]] = projection(graph, source, columns, node)
                inputs[k] = made[k, columns[0]]
                attrs[f"{NAMES[k]}_view"] = own_view(source, len(columns))
        if call.has(3):
            attrs["first_head"] = call.int("first_head", 0) + h
        results[h] = add(graph, "attention", inputs, attrs, node, type)
    parts = [results[h] for h in sorted(results)]
    replace(graph, node, add(graph, "concat", parts, {"axis": 2}, node, call.outs[0]))
