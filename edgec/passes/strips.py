"""A set of ops runs over strips of columns instead of over whole rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgec.ir import Attr, Graph, Node, TensorType
from edgec.ops.base import call_of, op_of
from edgec.passes.base import Changes, Pass
from edgec.passes.column_rules import Part, Span, WholeRows
from edgec.passes.strip_spans import cuts, parts_needed, results_of


@dataclass(frozen=True)
class Strips(Pass):
    """Some ops of an integer graph are computed in strips of columns, so that their rows are narrower.

    nodes: names of the ops. count: how many strips. Every op becomes an op per strip, narrowed to the
    columns that the strip's results need; columns near a seam are computed for both strips. What the
    ops hand to others are the strips' results side by side (`join`). For integer graphs, behind all
    other passes; the function stays the same bit for bit.
    """

    nodes: tuple[str, ...]
    count: int

    def run(self, graph: Graph) -> Changes:
        changes, wanted = Changes(), set(self.nodes)
        nodes = [node for node in graph.nodes() if node.name in wanted]
        name = ", ".join(node.path or node.name for node in nodes)
        try:
            results = results_of(graph, nodes)
            strips = [
                (spans, parts_needed(graph, nodes, spans))
                for spans in cuts(graph, nodes, results, self.count)
            ]
        except WholeRows as reason:
            changes.left(name, str(reason))
            return changes
        before = total_macs(graph)
        rewrite = _Rewrite(graph, nodes, [spans for spans, _ in strips])
        for node in nodes:
            rewrite.narrow(node, [parts.get(node.name) for _, parts in strips])
        rewrite.finish()
        extra = total_macs(graph) - before
        changes.did(name, f"in {len(strips)} strips of columns, {extra} further multiply-accumulates")
        return changes


def total_macs(graph: Graph) -> int:
    """Multiply-accumulates of one inference of an integer graph."""
    return sum(op_of(node).macs(call_of(graph, node)) for node in graph.nodes())


class _Rewrite:
    """Puts the strips' ops in place of the whole ones, node by node in topological order."""

    def __init__(self, graph: Graph, nodes: list[Node], spans: list[dict[str, Span]]) -> None:
        self.graph, self.nodes, self.spans = graph, nodes, spans
        self.strips: dict[tuple[str, int], tuple[str, Span]] = {}
        """(value of a whole op, strip) -> the strip's own value, and its columns."""
        self.joined: dict[str, str] = {}
        """Result -> the strips' values side by side."""
        self.cut: dict[tuple[str, Span], str] = {}

    def narrow(self, node: Node, parts: list[Part | None]) -> None:
        """Add the op of every strip, and the join where others read the result."""
        v = node.outputs[0]
        for k, part in enumerate(parts):
            if part is not None:
                inputs = [
                    self._operand(node, x, need, k) for x, need in zip(node.inputs, part.needs, strict=True)
                ]
                attrs, name = {**node.attrs, **part.attrs}, f"{node.name}_strip{k}"
                made = self._add(node, node.op, inputs, attrs, name, self._narrowed(v, part.span))
                self.strips[v, k] = made, part.span
        if v in self.spans[0]:
            self.joined[v] = self._join(node, v)

    def finish(self) -> None:
        """Remove the whole ops; the joins take over the names of what they replace."""
        graph = self.graph
        for v, new in self.joined.items():
            graph.replace_uses(v, new)
        for node in reversed(self.nodes):
            graph.remove(node)
        graph.prune()  # constants of which only parts are read
        for whole in self.nodes:
            for v in whole.outputs:
                if v in self.joined:
                    self._rename(self.joined[v], whole.name, v)

    def _rename(self, value: str, name: str, result: str) -> None:
        """Give a join and its result other names."""
        graph, old = self.graph, self.graph.producer(value)
        assert old is not None
        types = graph.out_types(old)
        new = graph.add(
            old.op, old.inputs, types, old.attrs, path=old.path, name=name, results=[result], before=old
        )
        graph.replace_uses(value, new.outputs[0])
        graph.remove(old)

    def _operand(self, node: Node, v: str, need: Span | None, k: int) -> str:
        """Columns `need` of an operand of a whole op, for strip k."""
        if need is None:
            return v
        data = self.graph.data(v)
        if data is not None:
            return self._constant(v, data, need)
        own, span = self.strips.get((v, k), ("", (0, 0)))
        if span[0] <= need[0] and need[1] <= span[1]:
            return self._columns(node, own, v, (need[0] - span[0], need[1] - span[0]))
        return self._columns(node, self.joined.get(v, v), v, need)

    def _columns(self, node: Node, value: str, like: str, span: Span) -> str:
        if span == (0, self.graph.type(value).shape[2]):
            return value
        if (value, span) not in self.cut:
            attrs: dict[str, Attr] = {"first": span[0], "last": span[1]}
            name = f"{value}_columns{span[0]}"
            self.cut[value, span] = self._add(
                node, "columns", [value], attrs, name, self._narrowed(like, span)
            )
        return self.cut[value, span]

    def _constant(self, v: str, data: np.ndarray, span: Span) -> str:
        if (v, span) not in self.cut:
            part = np.ascontiguousarray(data[..., span[0] : span[1], :])
            t = self.graph.type(v)
            self.cut[v, span] = self.graph.add_constant(v, part, t.quant, t.layout)
        return self.cut[v, span]

    def _join(self, node: Node, v: str) -> str:
        parts = [self.strips[v, k][0] for k in range(len(self.spans))]
        return self._add(node, "join", parts, {"axis": 2}, f"{node.name}_join", self.graph.type(v))

    def _narrowed(self, v: str, span: Span) -> TensorType:
        t = self.graph.type(v)
        return t.with_(shape=(*t.shape[:2], span[1] - span[0], t.shape[3]))

    def _add(
        self, like: Node, op: str, inputs: list[str], attrs: Mapping[str, Attr], name: str, type: TensorType
    ) -> str:
        node = self.graph.add(op, inputs, [type], attrs, path=like.path, name=name, before=self.nodes[-1])
        return node.outputs[0]
