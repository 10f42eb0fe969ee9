"""Multiplying by a number and adding one become part of the table beside them."""

from __future__ import annotations

from dataclasses import dataclass

from edgec.ir import Attr, Graph, Node
from edgec.ops.base import call_of
from edgec.passes.base import Changes, Pass
from edgec.passes.rewrite import made_by, only_use, replace, scalar


@dataclass(frozen=True)
class FuseAffine(Pass):
    """Products and sums with single numbers become part of the pointwise function beside them."""

    def run(self, graph: Graph) -> Changes:
        changes = Changes()
        for node in graph.nodes():
            if node not in graph or (step := _step(graph, node)) is None:
                continue
            x, scale, shift = step
            before = made_by(graph, x, "pointwise")
            behind = graph.consumers(node.outputs[0])[0][0] if only_use(graph, node.outputs[0]) else None
            if before is not None and only_use(graph, x):
                _compose(graph, before, "post", scale, shift)
                replace(graph, node, x)
            elif behind is not None and behind.op == "pointwise":
                _compose(graph, behind, "pre", scale, shift)
                graph.set_operand(behind, 0, x)
                graph.remove(node)
            elif behind is not None and (after := _step(graph, behind)) is not None:
                attrs: dict[str, Attr] = {"fn": "identity"}
                attrs |= {"pre_scale": scale * after[1], "pre_shift": shift * after[1] + after[2]}
                graph.set_inputs(behind, [x])
                behind.op, behind.attrs = "pointwise", attrs
                graph.remove(node)
            else:
                continue
            changes.did(node.path or node.name, "part of a pointwise function")
        graph.prune()
        return changes


def _step(graph: Graph, node: Node) -> tuple[str, float, float] | None:
    """(x, a, b) if the node is x * a + b with single numbers."""
    if node.op not in ("mul", "add") or node.attrs.get("activation"):
        return None
    for k in (0, 1):
        x, number = node.inputs[1 - k], scalar(graph, node.inputs[k])
        if number is not None and graph.type(x).shape == graph.type(node.outputs[0]).shape:
            return (x, number, 0.0) if node.op == "mul" else (x, 1.0, number)
    return None


def _compose(graph: Graph, node: Node, where: str, scale: float, shift: float) -> None:
    """A step composed with the function's own affine step in front ("pre") or behind ("post")."""
    call = call_of(graph, node)
    a, b = call.float(f"{where}_scale", 1.0), call.float(f"{where}_shift", 0.0)
    if where == "pre":
        node.attrs |= {"pre_scale": a * scale, "pre_shift": a * shift + b}
    else:
        node.attrs |= {"post_scale": scale * a, "post_shift": scale * b + shift}
