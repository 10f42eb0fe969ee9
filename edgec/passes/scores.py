"""What a softmax is taken of: a product of two tensors, scaled and masked in whatever order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgec.ir import Graph, Node
from edgec.ops.base import call_of
from edgec.passes.rewrite import only_use, renamed, split_constant, view_node
from edgec.passes.simplify_arithmetic import constant_factor


@dataclass(frozen=True, eq=False)
class Scores:
    """factor * product + mask. The factor is one number, or one per matrix ([.., 1, 1])."""

    product: Node
    factor: np.ndarray
    mask: np.ndarray | None


def scores_of(graph: Graph, softmax: Node) -> Scores | None:
    """What the softmax is taken of; None where it is something else, or used elsewhere, too."""
    value = softmax.inputs[0]
    factor = np.asarray(call_of(graph, softmax).float("beta", 1.0), np.float64)
    mask: np.ndarray | None = None
    while only_use(graph, value):
        same = renamed(graph, value)
        if same != value:
            old, new = graph.type(value).shape, graph.type(same).shape
            if factor.size > 1:
                if old[-2:] != new[-2:]:
                    return None
                factor = np.broadcast_to(factor, (*old[:-2], 1, 1)).reshape(*new[:-2], 1, 1)
            if mask is not None:
                mask = np.broadcast_to(mask, old).reshape(new)
            value = same
            continue
        node = graph.producer(value)
        if node is None or node.attrs.get("activation"):
            return None
        if node.op == "matmul" and "dims" not in node.attrs:
            constant = any(graph.is_constant(v) for v in node.inputs)
            return None if constant else Scores(node, factor, mask)
        term = split_constant(graph, node) if node.op in ("mul", "add") else None
        if term is None or graph.type(term[0]).shape != graph.type(value).shape:
            return None
        value, data = term
        if node.op == "add":
            added = data * factor
            mask = added if mask is None else mask + added
        elif data.size == 1:
            factor = np.asarray(factor * data.reshape(()))
        elif data.ndim >= 2 and data.shape[-2:] == (1, 1):
            factor = np.asarray(factor * data)
        else:
            return None
    return None


def unscaled(graph: Graph, value: str) -> tuple[str, float]:
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
