"""Arithmetic with constants in one form: no divisions, no subtractions, no chains."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgec.ir import Attr, Graph, Node
from edgec.ops.base import call_of
from edgec.passes.base import Changes, Pass
from edgec.passes.rewrite import add, made_by, only_use, replace, scalar, split_constant

_POWERS = {2.0: "square", 0.5: "sqrt", -0.5: "rsqrt", -1.0: "reciprocal"}


@dataclass(frozen=True)
class SimplifyArithmetic(Pass):
    """Dividing and subtracting constants become multiplying and adding; what changes nothing goes."""

    def run(self, graph: Graph) -> Changes:
        changes = Changes()
        for node in graph.nodes():
            if node in graph and not node.attrs.get("activation"):
                _additive(graph, node)
                said = _unary(graph, node) or _chained(graph, node) or _neutral(graph, node)
                if said:
                    changes.did(node.path or node.name, said)
        graph.prune()
        return changes


def _additive(graph: Graph, node: Node) -> None:
    """x / c as x * (1/c), x - c as x + (-c)."""
    c = graph.data(node.inputs[1]) if len(node.inputs) == 2 and node.op in ("div", "sub") else None
    if c is None or c.dtype != np.float32 or graph.is_constant(node.inputs[0]):
        return
    if node.op == "div" and not c.all():
        return
    data = (1 / c.astype(np.float64)).astype(np.float32) if node.op == "div" else -c
    node.op = "mul" if node.op == "div" else "add"
    graph.set_operand(node, 1, graph.add_constant(node.inputs[1], data))


def _unary(graph: Graph, node: Node) -> str:
    """Powers with a name of their own, and x * x."""
    if node.op == "mul" and node.inputs[0] == node.inputs[1]:
        replace(graph, node, add(graph, "pointwise", [node.inputs[0]], {"fn": "square"}, node))
        return "x * x is a square"
    if node.op in ("maximum", "minimum"):
        return _limit(graph, node)
    if node.op != "pointwise":
        return ""
    call = call_of(graph, node)
    fn = call.str("fn")
    affine = any(k.startswith(("pre_", "post_")) for k in node.attrs)
    if fn == "power" and not affine and (named := _POWERS.get(call.float("exponent"))):
        node.attrs = {"fn": named}
        return f"this power is {named}"
    if (fn == "identity" or (fn == "power" and call.float("exponent") == 1)) and not affine:
        replace(graph, node, node.inputs[0])
        return "changes nothing"
    if fn == "neg" and not affine:
        one = (1,) * min(len(graph.type(node.outputs[0]).shape), 1)
        minus = graph.add_constant("minus_one", np.full(one, -1, np.float32))
        replace(graph, node, add(graph, "mul", [node.inputs[0], minus], None, node))
        return "a product with -1"
    return ""


def _limit(graph: Graph, node: Node) -> str:
    """The larger or smaller of x and a number."""
    for k in (0, 1):
        x, c = node.inputs[1 - k], scalar(graph, node.inputs[k])
        if c is None or graph.type(x).shape != graph.type(node.outputs[0]).shape:
            continue
        attrs: dict[str, Attr] = {"fn": "clip", ("lo" if node.op == "maximum" else "hi"): c}
        if c == 0 and node.op == "maximum":
            attrs = {"fn": "relu"}
        replace(graph, node, add(graph, "pointwise", [x], attrs, node))
        return "a limit is a pointwise function"
    return ""


def _chained(graph: Graph, node: Node) -> str:
    """(x * a) * b as x * (a * b), (x + a) + b as x + (a + b)."""
    if node.op not in ("mul", "add") or (split := split_constant(graph, node)) is None:
        return ""
    x, b = split
    inner = made_by(graph, x, node.op)
    if inner is None or inner.attrs.get("activation") or not only_use(graph, x):
        return ""
    if (below := split_constant(graph, inner)) is None:
        return ""
    y, a = below
    data = a * b if node.op == "mul" else a + b
    if np.broadcast_shapes(graph.type(y).shape, data.shape) != graph.type(node.outputs[0]).shape:
        return ""
    graph.set_inputs(node, [y, graph.add_constant(f"{node.name}.constant", data)])
    return "two constants in a row are one"


def _neutral(graph: Graph, node: Node) -> str:
    """x * 1 and x + 0."""
    if node.op not in ("mul", "add") or (split := split_constant(graph, node)) is None:
        return ""
    x, data = split
    same = graph.type(x).shape == graph.type(node.outputs[0]).shape
    if same and bool((data == (1 if node.op == "mul" else 0)).all()):
        replace(graph, node, x)
        return "changes nothing"
    return ""


def constant_factor(graph: Graph, node: Node) -> tuple[str, float] | None:
    """(x, c) where the node is x * c with one number c."""
    if node.op != "mul" or node.attrs.get("activation"):
        return None
    for k in (0, 1):
        c = scalar(graph, node.inputs[k])
        if c is not None and graph.type(node.inputs[1 - k]).shape == graph.type(node.outputs[0]).shape:
            return node.inputs[1 - k], c
    return None
