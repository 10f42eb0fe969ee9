"""Two matrix products with a softmax between them are attention."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edgec.ir import Graph, Node
from edgec.passes.base import Changes, Pass
from edgec.passes.rewrite import add, made_by, only_use, renamed, replace
from edgec.passes.scores import Scores, scores_of, unscaled


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
            weights = renamed(graph, node.inputs[0])
            softmax = made_by(graph, weights, "softmax") if only_use(graph, weights) else None
            if softmax is None or graph.type(weights).shape[-2:] != graph.type(node.inputs[0]).shape[-2:]:
                continue
            scores = scores_of(graph, softmax)
            if scores is None or graph.is_constant(node.inputs[1]):
                changes.left(node.path or node.name, "the scores are no scaled and masked product used once")
                continue
            _attention(graph, node, scores)
            graph.prune()
            changes.did(node.path or node.name, "recognised as attention")
        return changes


def _attention(graph: Graph, node: Node, scores: Scores) -> None:
    """The last product replaced by attention on operands [B,H,T,D]."""
    keys = scores.product.inputs[1]
    swap = (*range(len(graph.type(keys).shape) - 2), -1, -2)
    perm = tuple(p % len(swap) for p in swap)
    factor, out = 1.0, graph.type(node.outputs[0]).shape
    lead = graph.type(scores.product.outputs[0]).shape[:-2]
    if len(lead) != 2 and len(out) == 4:
        heads = out[:2]
    else:
        heads = (math.prod(lead[:-1]), lead[-1]) if lead else (1, 1)
    operands = []
    for value, is_key in ((scores.product.inputs[0], False), (keys, True)):
        value, own = unscaled(graph, value)
        factor *= own
        if not is_key and scores.factor.size == 1:
            factor *= float(scores.factor.reshape(-1)[0])
        elif not is_key:
            by_head = graph.add_constant(f"{node.name}.scale", scores.factor.astype(np.float32))
            value = add(graph, "mul", [value, by_head], {"activation": ""}, node)
        value = add(graph, "transpose", [value], {"perm": perm}, node) if is_key else value
        operands.append(_by_head(graph, node, value, lead, heads))
    operands.append(_by_head(graph, node, node.inputs[1], out[:-2], heads))
    if scores.mask is not None:
        t, s = graph.type(scores.product.outputs[0]).shape[-2:]
        mask = np.ascontiguousarray(_small(scores.mask, (*lead, t, s), (*heads, t, s)), np.float32)
        operands.append(graph.add_constant(f"{node.name}.mask", mask))
    y = add(graph, "attention", operands, {"scale": factor}, node)
    y = add(graph, "transpose", [y], {"perm": (0, 2, 1, 3)}, node)
    if graph.type(y).shape != out:
        y = add(graph, "reshape", [y], {"shape": out}, node)
    replace(graph, node, y)


def _by_head(graph: Graph, node: Node, value: str, lead: tuple[int, ...], heads: tuple[int, ...]) -> str:
    """A stack of matrices [*lead, M, N], perhaps to be repeated, as [B,H,M,N]."""
    matrix = graph.type(value).shape[-2:]
    for op, shape in (("expand", (*lead, *matrix)), ("reshape", (*heads, *matrix))):
        if graph.type(value).shape != shape:
            value = add(graph, op, [value], {"shape": shape}, node)
    return value


def _small(mask: np.ndarray, scores: tuple[int, ...], full: tuple[int, ...]) -> np.ndarray:
    """The mask as [B,H,T,S] with axes of size one wherever it repeats."""
    small = np.broadcast_to(mask, scores).reshape(full)
    for axis in range(4):
        once = small.take([0], axis)
        if bool((small == once).all()):
            small = once
    return small
