"""Group norms that were exported as instance norms of a reshaped tensor."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edgec.ir import Graph, Node
from edgec.passes.base import Changes, Pass
from edgec.passes.rewrite import add, made_by, only_use, replace


@dataclass(frozen=True)
class FindGroupNorms(Pass):
    """An instance norm of [N, groups, rest] between two reshapes is a group norm of [N, C, ..]."""

    def run(self, graph: Graph) -> Changes:
        changes = Changes()
        for node in graph.nodes():
            if node.op != "group_norm" or node.attrs.get("groups") != graph.type(node.inputs[0]).shape[-1]:
                continue
            x, last = _before(graph, node), _behind(graph, node)
            if x is None or last is None or graph.type(x).shape != graph.type(last.outputs[0]).shape:
                continue
            shape, groups = graph.type(x).shape, graph.type(node.inputs[0]).shape[-1]
            alike = all(_uniform(graph, v) for v in node.inputs[1:])
            if len(shape) < 3 or shape[1] % groups or not alike:
                continue
            _replace(graph, node, x, last)
            graph.prune()
            changes.did(node.path or node.name, f"recognised as group_norm with {groups} groups")
        return changes


def _uniform(graph: Graph, value: str) -> bool:
    data = graph.data(value)
    return data is not None and bool((data == data.reshape(-1)[0]).all())


def _before(graph: Graph, node: Node) -> str | None:
    """The tensor that is reshaped to [N,G,M] and turned to [N,M,1,G]."""
    second = made_by(graph, node.inputs[0], "reshape")
    turn = made_by(graph, second.inputs[0], "transpose") if second is not None else None
    first = made_by(graph, turn.inputs[0], "reshape") if turn is not None else None
    if first is None or turn is None or turn.attrs["perm"] != (0, 2, 1):
        return None
    kept = graph.type(first.inputs[0]).shape[:1] == graph.type(first.outputs[0]).shape[:1]
    return first.inputs[0] if kept else None


def _behind(graph: Graph, node: Node) -> Node | None:
    """The reshape that undoes this behind the node, if nothing else reads what is in between."""
    at = node
    for op in ("reshape", "transpose", "reshape"):
        if not only_use(graph, at.outputs[0]):
            return None
        at = graph.consumers(at.outputs[0])[0][0]
        if at.op != op or (op == "transpose" and at.attrs["perm"] != (0, 2, 1)):
            return None
    return at


def _replace(graph: Graph, node: Node, x: str, last: Node) -> None:
    shape = graph.type(x).shape
    rank, channels = len(shape), shape[1]
    y = add(graph, "transpose", [x], {"perm": (0, *range(2, rank), 1)}, node)
    moved = graph.type(y).shape
    image = (shape[0], moved[1], math.prod(moved[2:-1]), channels)
    if moved != image:
        y = add(graph, "reshape", [y], {"shape": image}, node)
    operands = [y]
    for v in node.inputs[1:]:
        data = graph.data(v)
        assert data is not None
        operands.append(graph.add_constant(v, np.full(channels, data.reshape(-1)[0], np.float32)))
    y = add(graph, "group_norm", operands, node.attrs, node)
    if moved != image:
        y = add(graph, "reshape", [y], {"shape": moved}, node)
    replace(graph, last, add(graph, "transpose", [y], {"perm": (0, rank - 1, *range(1, rank - 1))}, node))
