"""Two matrix products with a softmax between them are attention."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edgec.ir import Graph, Node
from edgec.passes.base import Changes, Pass
from edgec.passes.rewrite import add, made_by, only_use, replace, split_constant, view_node
from edgec.passes.simplify_arithmetic import constant_factor


@dataclass
class _Scores:
    """What a softmax is taken of: factor * product + mask (of the product's shape, or less)."""

    product: Node
    factor: float
    mask: np.ndarray | None


@dataclass(frozen=True)
class FindAttention(Pass):
    """Scores, scale, mask, softmax and weighted sum become attention, which is streamed row by row.

    So no tokens x tokens matrix is ever whole.
    """

    def run(self, graph: Graph) -> Changes:
        changes = Changes()
        for node in graph.nodes():
            if node not in graph or node.op != "matmul" or "dims" in node.attrs:
                continue
            softmax = made_by(graph, node.inputs[0], "softmax")
            if softmax is None or not only_use(graph, softmax.outputs[0]):
                continue
            scores = _scores(graph, softmax)
            if scores is None or graph.is_constant(node.inputs[1]):
                changes.left(node.path or node.name, "the scores are no scaled and masked product used once")
                continue
            _attention(graph, node, scores)
            graph.prune()
            changes.did(node.path or node.name, "recognised as attention")
        return changes


def _scores(graph: Graph, softmax: Node) -> _Scores | None:
    value, factor = softmax.inputs[0], float(softmax.attrs.get("beta", 1.0))  # type: ignore[arg-type]
    mask: np.ndarray | None = None
    while only_use(graph, value):
        node = graph.producer(value)
        if node is None or node.attrs.get("activation"):
            return None
        if node.op == "matmul" and "dims" not in node.attrs:
            constant = any(graph.is_constant(v) for v in node.inputs)
            return None if constant else _Scores(node, factor, mask)
        shape = graph.type(node.inputs[0]).shape
        if node.op == "reshape":
            if mask is not None:
                mask = np.broadcast_to(mask, graph.type(value).shape).reshape(shape)
            value = node.inputs[0]
        elif (split := constant_factor(graph, node)) is not None:
            value, factor = split[0], factor * split[1]
        elif node.op == "add" and (term := split_constant(graph, node)) is not None:
            if graph.type(term[0]).shape != graph.type(value).shape:
                return None
            added = term[1] * np.float32(factor)
            mask = added if mask is None else mask + added
            value = term[0]
        else:
            return None
    return None


def _attention(graph: Graph, node: Node, scores: _Scores) -> None:
    """The last product replaced by attention on operands [B,H,T,D]."""
    keys = scores.product.inputs[1]
    rank = len(graph.type(keys).shape)
    perm = (*range(rank - 2), rank - 1, rank - 2)
    factor = scores.factor
    operands = []
    for value, is_key in ((scores.product.inputs[0], False), (keys, True), (node.inputs[1], False)):
        if value != node.inputs[1]:
            value, own = _unscaled(graph, value)
            factor *= own
        operands.append(add(graph, "transpose", [value], {"perm": perm}, node) if is_key else value)
    out = graph.type(node.outputs[0]).shape
    lead = out[:-2]
    heads = (math.prod(lead[:-1]), lead[-1]) if lead else (1, 1)
    inputs = []
    for value in operands:
        matrix = graph.type(value).shape[-2:]
        if graph.type(value).shape != (*lead, *matrix):
            value = add(graph, "expand", [value], {"shape": (*lead, *matrix)}, node)
        if len(lead) != 2:
            value = add(graph, "reshape", [value], {"shape": (*heads, *matrix)}, node)
        inputs.append(value)
    if scores.mask is not None:
        t, s = graph.type(scores.product.outputs[0]).shape[-2:]
        mask = np.ascontiguousarray(_small(scores.mask, (*lead, t, s), (*heads, t, s)), np.float32)
        inputs.append(graph.add_constant(f"{node.name}.mask", mask))
    y = add(graph, "attention", inputs, {"scale": factor}, node)
    y = add(graph, "transpose", [y], {"perm": (0, 2, 1, 3)}, node)
    if len(lead) != 2:
        y = add(graph, "reshape", [y], {"shape": out}, node)
    replace(graph, node, y)


def _unscaled(graph: Graph, value: str) -> tuple[str, float]:
    """A value without the number that it is multiplied by somewhere before its views, and that number."""
    views = []
    at = value
    while only_use(graph, at) and (view := view_node(graph, at)) is not None:
        views.append(view)
        at = view.inputs[0]
    node = graph.producer(at)
    split = constant_factor(graph, node) if node is not None and only_use(graph, at) else None
    if split is None:
        return value, 1.0
    if not views:
        return split
    graph.set_operand(views[-1], 0, split[0])
    return value, split[1]


def _small(mask: np.ndarray, scores: tuple[int, ...], full: tuple[int, ...]) -> np.ndarray:
    """The mask as [B,H,T,S] with axes of size one wherever it repeats."""
    small = np.broadcast_to(mask, scores).reshape(full)
    for axis in range(4):
        once = small.take([0], axis)
        if bool((small == once).all()):
            small = once
    return small
