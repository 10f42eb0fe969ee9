"""Softmax that an exporter spelled out in elementary ops."""

from __future__ import annotations

from dataclasses import dataclass

from edgec.ir import Graph, Node
from edgec.passes.base import Changes, Pass
from edgec.passes.rewrite import add, made_by, replace


@dataclass(frozen=True)
class FindSoftmax(Pass):
    """A softmax that was spelled out (exponential, sum, division) is recognised."""

    def run(self, graph: Graph) -> Changes:
        changes = Changes()
        for node in graph.nodes():
            if node not in graph or (found := _quotient(graph, node)) is None:
                continue
            exponential, total = found
            axis = _only_axis(total)
            if axis is None or total.inputs[0] != exponential.outputs[0]:
                continue
            x = exponential.inputs[0]
            shifted = made_by(graph, x, "sub")
            if shifted is not None:
                highest = made_by(graph, shifted.inputs[1], "reduce_max")
                if highest is not None and highest.inputs[0] == shifted.inputs[0]:
                    x = shifted.inputs[0] if _only_axis(highest) == axis else x
            perm = list(range(len(graph.type(x).shape)))
            perm[axis], perm[-1] = perm[-1], perm[axis]
            moved = {"perm": tuple(perm)} if axis != len(perm) - 1 else None
            y = add(graph, "transpose", [x], moved, node) if moved else x
            y = add(graph, "softmax", [y], {"beta": 1.0}, node)
            replace(graph, node, add(graph, "transpose", [y], moved, node) if moved else y)
            graph.prune()
            changes.did(node.path or node.name, "recognised as softmax")
        return changes


def _quotient(graph: Graph, node: Node) -> tuple[Node, Node] | None:
    """(exponential, sum) if the node divides the one by the other."""
    if node.op == "div":
        pairs = [(node.inputs[0], made_by(graph, node.inputs[1], "sum"))]
    elif node.op == "mul":
        pairs = []
        for e, r in (node.inputs, node.inputs[::-1]):
            inverse = made_by(graph, r, "pointwise")
            if inverse is not None and inverse.attrs == {"fn": "reciprocal"}:
                pairs.append((e, made_by(graph, inverse.inputs[0], "sum")))
    else:
        return None
    for e, total in pairs:
        exponential = made_by(graph, e, "pointwise")
        if total is not None and exponential is not None and exponential.attrs == {"fn": "exp"}:
            return exponential, total
    return None


def _only_axis(node: Node) -> int | None:
    """The axis of a reduction that keeps it and has no other."""
    axes = node.attrs.get("axes")
    if isinstance(axes, tuple) and len(axes) == 1 and node.attrs.get("keepdims") is True:
        return axes[0] if isinstance(axes[0], int) else None
    return None
