"""Matrix products with a constant are linear layers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edgec.ir import Graph, Node
from edgec.passes.base import Changes, Pass
from edgec.passes.rewrite import add, replace


@dataclass(frozen=True)
class FindLinear(Pass):
    """A product with a constant matrix is a linear layer, with the matrix as its weights."""

    def run(self, graph: Graph) -> Changes:
        changes = Changes()
        for node in graph.nodes():
            if node.op != "matmul" or "dims" in node.attrs:
                continue
            a, b = (_matrix(graph, v) for v in node.inputs)
            if (a is None) == (b is None):
                continue
            out = graph.type(node.outputs[0])
            if b is not None:
                y = _linear(graph, node, node.inputs[0], b.T)
            else:
                assert a is not None
                y = _swapped(graph, node, _linear(graph, node, _swapped(graph, node, node.inputs[1]), a))
            if graph.type(y).shape != out.shape:
                y = add(graph, "reshape", [y], {"shape": out.shape}, node)
            replace(graph, node, y)
            changes.did(node.path or node.name, "a product with constant weights is linear")
        graph.prune()
        return changes


def _matrix(graph: Graph, value: str) -> np.ndarray | None:
    """The constant matrix that a value is, leading axes of size one aside."""
    data = graph.data(value)
    if data is None or data.ndim < 2 or math.prod(data.shape[:-2]) != 1:
        return None
    return data.reshape(data.shape[-2:])


def _linear(graph: Graph, node: Node, x: str, weights: np.ndarray) -> str:
    w = graph.add_constant(f"{node.name}.weight", np.ascontiguousarray(weights))
    return add(graph, "linear", [x, w], {"activation": ""}, node)


def _swapped(graph: Graph, node: Node, x: str) -> str:
    """The last two axes exchanged."""
    rank = len(graph.type(x).shape)
    return add(graph, "transpose", [x], {"perm": (*range(rank - 2), rank - 1, rank - 2)}, node)
