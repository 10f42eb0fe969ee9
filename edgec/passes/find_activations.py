"""Activations that an exporter spelled out in elementary ops."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from edgec.ir import Attr, Graph, Node
from edgec.ops.base import call_of, op_of
from edgec.ops.functions import evaluate
from edgec.passes.base import Changes, Pass
from edgec.passes.rewrite import add, replace, scalar

_GRID = np.linspace(-9.0, 9.0, 145)
_KNOWN = (
    "relu", "relu6", "gelu", "gelu_tanh", "gelu_quick", "silu", "hard_swish", "hard_sigmoid", "sigmoid",
    "tanh", "mish", "softplus", "log_sigmoid", "softsign", "elu", "selu", "abs",
)  # fmt: skip
_LINEAR = ("relu", "relu6", "leaky_relu", "abs")
_BINARY = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide,
    "maximum": np.maximum, "minimum": np.minimum,
}  # fmt: skip
_CONE = 16
"""Ops of the longest spelling that is looked at; the tanh form of GELU has nine."""


@dataclass(frozen=True)
class FindActivations(Pass):
    """Activations that were spelled out (GELU, SiLU, hard swish and the like) are recognised.

    Found by what they compute: a set of elementwise ops on one tensor is evaluated on a grid of numbers.
    """

    def run(self, graph: Graph) -> Changes:
        changes = Changes()
        for node in reversed(graph.nodes()):
            if node not in graph or node.op not in (*_BINARY, "pointwise"):
                continue
            for source in _sources(graph, node):
                attrs = _recognised(graph, node, source)
                if attrs is not None:
                    replace(graph, node, add(graph, "pointwise", [source], attrs, node))
                    graph.prune()
                    changes.did(node.path or node.name, f"recognised as {attrs['fn']}")
                    break
        return changes


def _sources(graph: Graph, node: Node) -> Iterator[str]:
    """Tensors of the node's shape that it may be a function of, the farthest first."""
    shape = graph.type(node.outputs[0]).shape
    found: dict[str, None] = {}
    queue = [node]
    for at in queue:
        for v in at.inputs:
            if v in found or graph.is_constant(v) or graph.type(v).shape != shape:
                continue
            found[v] = None
            maker = graph.producer(v)
            if maker is not None and maker.op in (*_BINARY, "pointwise") and len(queue) < _CONE:
                queue.append(maker)
    nearest = set(node.inputs) if node.op == "pointwise" else set()
    yield from (v for v in reversed(found) if v not in nearest)


def _recognised(graph: Graph, node: Node, source: str) -> dict[str, Attr] | None:
    """The attributes of the known function that the node is of the source."""
    with np.errstate(all="ignore"):
        y = _value(graph, node.outputs[0], source, {}, [0])
    if y is None or not np.isfinite(y).all():
        return None
    for fn in _KNOWN:
        if _equal(fn, {}, y):
            return {"fn": fn}
    alpha = float(y[0] / _GRID[0])
    return (
        {"fn": "leaky_relu", "alpha": alpha}
        if alpha != 1 and _equal("leaky_relu", {"alpha": alpha}, y)
        else None
    )


def _equal(fn: str, params: dict[str, float], y: np.ndarray) -> bool:
    """Whether y is the function on the grid, to float32; a maximum with 1e-12 is no ReLU."""
    slack = 0.0 if fn in _LINEAR else 2e-6
    return bool((np.abs(evaluate(fn, _GRID, params) - y) <= slack + 2e-6 * np.abs(y) * (y != 0)).all())


def _value(
    graph: Graph, value: str, source: str, known: dict[str, np.ndarray | None], count: list[int]
) -> np.ndarray | None:
    """A value on the grid, as a function of the source; None where it depends on anything else."""
    if value == source:
        return _GRID
    if value not in known:
        known[value] = None
        known[value] = _computed(graph, value, source, known, count)
    return known[value]


def _computed(
    graph: Graph, value: str, source: str, known: dict[str, np.ndarray | None], count: list[int]
) -> np.ndarray | None:
    if graph.is_constant(value):
        c = scalar(graph, value)
        return None if c is None else np.full_like(_GRID, c)
    node = graph.producer(value)
    count[0] += 1
    if node is None or node.op not in (*_BINARY, "pointwise") or count[0] > _CONE:
        return None
    if node.attrs.get("activation"):
        return None
    xs = [_value(graph, v, source, known, count) for v in node.inputs]
    ready = [x for x in xs if x is not None]
    if len(ready) < len(xs):
        return None
    if node.op in _BINARY:
        return np.asarray(_BINARY[node.op](*ready))
    return np.asarray(op_of(node).float_reference(call_of(graph, node), ready[0]), np.float64)
