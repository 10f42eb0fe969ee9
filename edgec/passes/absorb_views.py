"""Attention and matrix products read their operands where they lie."""

from __future__ import annotations

import math
from dataclasses import dataclass

from edgec.ir import Attr, Graph, Node
from edgec.ops.viewmap import ViewMap
from edgec.passes.base import Changes, Pass
from edgec.passes.operand_views import READERS, operand_strides
from edgec.passes.rewrite import add, replace, view_node, view_of

_KEYS = {"attention": ("q_view", "k_view", "v_view"), "matmul": ("a_view", "b_view")}


@dataclass(frozen=True)
class AbsorbViews(Pass):
    """Attention and matrix products read operands through strides: splitting heads moves nothing."""

    def run(self, graph: Graph) -> Changes:
        changes = Changes()
        for node in graph.nodes():
            if node.op not in READERS or "dims" in node.attrs:
                continue
            keys = _KEYS[node.op]
            if not any(view_node(graph, v) is not None for v in node.inputs[: len(keys)]):
                continue
            attrs = dict(node.attrs) | {"dims": _dims(graph, node)}
            inputs = list(node.inputs)
            for k, key in enumerate(keys):
                found = _read_through(graph, node, k)
                if found is None:
                    changes.left(node.path or node.name, f"operand {k} cannot be read through its views")
                    found = node.inputs[k], _whole(graph, node, k)
                inputs[k], attrs[key] = found
            if inputs == list(node.inputs):
                continue
            _rebuild(graph, node, inputs, attrs)
            changes.did(node.path or node.name, "reads its operands through their views")
        graph.prune()
        return changes


def _dims(graph: Graph, node: Node) -> tuple[int, ...]:
    """(B,H,T,S,D,Dv) of an attention, (B,M,N,K) of a matmul."""
    shapes = [graph.type(v).shape for v in node.inputs]
    if node.op == "attention":
        b, h, t, d = shapes[0]
        return b, h, t, shapes[1][2], d, shapes[2][3]
    lead = graph.type(node.outputs[0]).shape[:-2]
    return math.prod(lead), shapes[0][-2], shapes[1][-1], shapes[0][-1]


def _read_through(graph: Graph, node: Node, k: int) -> tuple[str, tuple[int, ...]] | None:
    """(the tensor behind the operand's views, how to read it)."""
    base, view = view_of(graph, node.inputs[k])
    strides = operand_strides(graph, node, k, view)
    if strides is None or graph.type(base).quant != graph.type(node.inputs[k]).quant:
        return None
    return base, strides


def _whole(graph: Graph, node: Node, k: int) -> tuple[int, ...]:
    """How to read an operand as it is."""
    strides = operand_strides(graph, node, k, ViewMap.whole(graph.type(node.inputs[k]).shape))
    assert strides is not None
    return strides


def _rebuild(graph: Graph, node: Node, inputs: list[str], attrs: dict[str, Attr]) -> None:
    out = graph.type(node.outputs[0])
    dims = attrs["dims"]
    assert isinstance(dims, tuple)
    if node.op == "attention" or out.shape == dims[:3]:
        graph.set_inputs(node, inputs)
        node.attrs = attrs
        return
    flat = out.with_(shape=dims[:3], layout="")
    y = add(graph, "matmul", inputs, attrs, node, flat)
    replace(graph, node, add(graph, "reshape", [y], {"shape": out.shape}, node, out))
