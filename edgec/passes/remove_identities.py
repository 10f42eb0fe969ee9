"""Ops that hand their operand on unchanged are left out."""

from __future__ import annotations

from dataclasses import dataclass

from edgec.ir import Graph, Node
from edgec.ops.base import call_of
from edgec.passes.base import Changes, Pass
from edgec.passes.rewrite import add, made_by, replace

_REDUCTIONS = ("mean", "sum", "reduce_max")
_POOLS = ("avg_pool2d", "max_pool2d")
_RESIZES = ("resize_nearest", "resize_bilinear")


@dataclass(frozen=True)
class RemoveIdentities(Pass):
    """Ops that change nothing (requantizing to the same format, padding by nothing) are left out."""

    def run(self, graph: Graph) -> Changes:
        changes = Changes()
        for node in graph.nodes():
            if _there_and_back(graph, node):
                changes.did(node.path or node.name, "back to the integers it came from")
                continue
            x, y = graph.type(node.inputs[0]), graph.type(node.outputs[0])
            if (x.dtype, x.quant, x.size) != (y.dtype, y.quant, y.size) or not _changes_nothing(graph, node):
                continue
            value = node.inputs[0]
            if x.shape != y.shape:
                value = add(graph, "reshape", [value], {"shape": y.shape}, node, y)
            replace(graph, node, value)
            changes.did(node.path or node.name, f"this {node.op} changes nothing")
        graph.prune()
        return changes


def _there_and_back(graph: Graph, node: Node) -> bool:
    """Whether integers became floats and here become the same integers again."""
    before = made_by(graph, node.inputs[0], "dequantize") if node.op == "quantize" else None
    if before is None or graph.type(before.inputs[0]) != graph.type(node.outputs[0]):
        return False
    replace(graph, node, before.inputs[0])
    return True


def _changes_nothing(graph: Graph, node: Node) -> bool:
    """Whether a node whose operand and result have one format and size computes the identity."""
    if node.attrs.get("activation"):
        return False
    if node.op in ("requantize", "concat") or node.op in _RESIZES:
        return node.op != "concat" or len(node.inputs) == 1
    if node.op == "pad":
        return graph.type(node.inputs[0]).shape == graph.type(node.outputs[0]).shape
    if node.op in _POOLS:
        call = call_of(graph, node)
        return call.ints("kernel") == (1, 1) and not any(call.ints("padding", (0, 0, 0, 0)))
    return node.op in _REDUCTIONS
