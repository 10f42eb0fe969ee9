"""Everything that depends on constants alone is computed at compile time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgec.ir import DType, Graph, Node
from edgec.ops.base import call_of, op_of
from edgec.passes.base import Changes, Pass
from edgec.passes.rewrite import BINARY


@dataclass(frozen=True)
class FoldConstants(Pass):
    """What depends on constants alone is computed at compile time; repetitions in constants go."""

    def run(self, graph: Graph) -> Changes:
        changes = Changes()
        for node in graph.nodes():
            if node.inputs and all(graph.is_constant(v) for v in node.inputs):
                _evaluate(graph, node)
                changes.did(node.path or node.name, f"{node.op} of constants computed")
            elif node.op in BINARY:
                _shrink(graph, node)
        graph.prune()
        return changes


def _evaluate(graph: Graph, node: Node) -> None:
    op, call = op_of(node), call_of(graph, node)
    is_float = op.is_view or any(t.dtype == DType.F32 for t in call.outs)
    run = op.float_reference if is_float else op.integer_reference
    results = run(call, *(call.const(k) for k in range(len(node.inputs))))
    for value, data in zip(node.outputs, results if isinstance(results, tuple) else (results,), strict=True):
        type = graph.type(value)
        data = np.ascontiguousarray(data, type.dtype.numpy).reshape(type.shape)
        graph.replace_uses(value, graph.add_constant(value, data, type.quant, type.layout))
    graph.remove(node)


def _shrink(graph: Graph, node: Node) -> None:
    """A constant that only repeats along an axis is kept once; the op broadcasts it."""
    for k, value in enumerate(node.inputs):
        data, type = graph.data(value), graph.type(value)
        if data is None or (type.quant is not None and type.quant.axis is not None):
            continue
        other = graph.type(node.inputs[1 - k]).shape
        for axis in range(data.ndim):
            once = data.take([0], axis)
            fits = np.broadcast_shapes(once.shape, other) == graph.type(node.outputs[0]).shape
            if data.shape[axis] > 1 and fits and bool((data == once).all()):
                data = once
        if data.shape != type.shape:
            graph.set_operand(node, k, graph.add_constant(value, np.ascontiguousarray(data), type.quant))
