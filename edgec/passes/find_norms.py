"""Layer norms and RMS norms that an exporter spelled out in elementary ops."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edgec.ir import Graph, Node
from edgec.passes.base import Changes, Pass
from edgec.passes.rewrite import add, inverse, made_by, replace, scalar
from edgec.passes.simplify_arithmetic import constant_factor


@dataclass(frozen=True)
class FindNorms(Pass):
    """Layer norms and RMS norms that were spelled out (mean, square, root, division) are recognised.

    Their scale and shift join them with those of every other op.
    """

    def run(self, graph: Graph) -> Changes:
        changes = Changes()
        for node in graph.nodes():
            if node not in graph or (found := _division_by_deviation(graph, node)) is None:
                continue
            deviation, squares, epsilon, factor = found
            axes = _mean_axes(squares)
            kind, x = "rms_norm", deviation
            centered = made_by(graph, deviation, "sub")
            if centered is not None:
                mean = made_by(graph, centered.inputs[1], "mean")
                if mean is not None and mean.inputs[0] == centered.inputs[0] and _mean_axes(mean) == axes:
                    kind, x = "layer_norm", centered.inputs[0]
            replace(graph, node, _norm(graph, node, x, axes, epsilon, factor, kind == "rms_norm"))
            graph.prune()
            changes.did(node.path or node.name, f"recognised as {kind}")
        return changes


def _division_by_deviation(graph: Graph, node: Node) -> tuple[str, Node, float, float] | None:
    """(d, the mean of d's squares, epsilon, c) if the node is c * d / sqrt(mean(d * d) + epsilon)."""
    if node.op == "div":
        root = made_by(graph, node.inputs[1], "pointwise")
        candidates = [(node.inputs[0], root, "sqrt")]
    elif node.op == "mul":
        candidates = []
        for d, r in (node.inputs, node.inputs[::-1]):
            root = made_by(graph, r, "pointwise")
            candidates.append((d, root, "rsqrt"))
            if root is not None and root.attrs == {"fn": "reciprocal"}:
                candidates.append((d, made_by(graph, root.inputs[0], "pointwise"), "sqrt"))
    else:
        return None
    for d, root, fn in candidates:
        if root is None or root.attrs != {"fn": fn}:
            continue
        value, epsilon = root.inputs[0], 0.0
        plus = made_by(graph, value, "add")
        if plus is not None:
            sides = [(v, scalar(graph, e)) for v, e in (plus.inputs, plus.inputs[::-1])]
            value, number = next(((v, e) for v, e in sides if e is not None), ("", None))
            if number is None:
                continue
            epsilon = number
        factor = 1.0
        while (product := made_by(graph, value, "mul")) and (split := constant_factor(graph, product)):
            value, factor = split[0], factor * split[1]
        squares = made_by(graph, value, "mean")
        if squares is None or squares.attrs.get("keepdims") is not True or factor <= 0:
            continue
        square = made_by(graph, squares.inputs[0], "pointwise", "mul")
        if square is None or not (square.attrs == {"fn": "square"} or square.inputs == (d, d)):
            continue
        if _same(graph, square.inputs[0], d):
            return d, squares, epsilon / factor, 1 / math.sqrt(factor)
    return None


def _same(graph: Graph, a: str, b: str) -> bool:
    """Whether two values are the same, or differences of the same."""
    x, y = graph.producer(a), graph.producer(b)
    return a == b or (x is not None and y is not None and x.op == y.op == "sub" and x.inputs == y.inputs)


def _mean_axes(mean: Node) -> tuple[int, ...]:
    axes = mean.attrs["axes"]
    assert isinstance(axes, tuple)
    return tuple(sorted(a for a in axes if isinstance(a, int)))


def _norm(
    graph: Graph, node: Node, x: str, axes: tuple[int, ...], epsilon: float, factor: float, rms: bool
) -> str:
    """layer_norm of x over these axes, which are made the last one and put back."""
    shape = graph.type(x).shape
    perm = (*(a for a in range(len(shape)) if a not in axes), *axes)
    moved = perm != tuple(range(len(shape)))
    y = add(graph, "transpose", [x], {"perm": perm}, node) if moved else x
    ordered = graph.type(y).shape
    flat = (*ordered[: len(shape) - len(axes)], math.prod(shape[a] for a in axes))
    if flat != ordered:
        y = add(graph, "reshape", [y], {"shape": flat}, node)
    operands = [y]
    if factor != 1:
        operands.append(graph.add_constant(f"{node.name}.scale", np.full(flat[-1], factor, np.float32)))
    y = add(graph, "layer_norm", operands, {"epsilon": epsilon, "rms": rms}, node)
    if flat != ordered:
        y = add(graph, "reshape", [y], {"shape": ordered}, node)
    return add(graph, "transpose", [y], {"perm": inverse(perm)}, node) if moved else y
