"""Matrix products with a constant are linear layers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edgec.ir import Graph, Node, Quant
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
                y = _linear(graph, node, node.inputs[0], b.T, _quant(graph, node.inputs[1], True))
            else:
                assert a is not None
                x = _swapped(graph, node, node.inputs[1])
                y = _swapped(graph, node, _linear(graph, node, x, a, _quant(graph, node.inputs[0], False)))
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


def _quant(graph: Graph, value: str, turned: bool) -> Quant | None:
    """The stated quantization of a matrix, for the matrix itself or for its transpose."""
    type = graph.type(value)
    if type.quant is None or type.quant.axis is None:
        return type.quant
    axis = type.quant.axis - (len(type.shape) - 2)
    if axis < 0:
        return None
    return Quant(type.quant.scale, type.quant.zero_point, 1 - axis if turned else axis)


def _linear(graph: Graph, node: Node, x: str, weights: np.ndarray, quant: Quant | None) -> str:
    w = graph.add_constant(f"{node.name}.weight", np.ascontiguousarray(weights), quant)
    return add(graph, "linear", [x, w], {"activation": ""}, node)


def _swapped(graph: Graph, node: Node, x: str) -> str:
    """The last two axes exchanged."""
    rank = len(graph.type(x).shape)
    return add(graph, "transpose", [x], {"perm": (*range(rank - 2), rank - 1, rank - 2)}, node)
