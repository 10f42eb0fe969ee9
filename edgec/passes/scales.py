"""Ops that are nothing but a scale and a shift per channel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgec.ir import DType, Graph, Node
from edgec.ops.base import call_of
from edgec.ops.batch_norm import scale_and_shift
from edgec.passes.rewrite import split_constant


@dataclass(frozen=True, eq=False)
class Scale:
    """x [..., C] * scale [C] + shift [C], float64."""

    x: str
    scale: np.ndarray
    shift: np.ndarray

    @property
    def channels(self) -> int:
        """C."""
        return len(self.scale)


def scale_of(graph: Graph, node: Node) -> Scale | None:
    """The node as a scale and a shift per channel, if it is that."""
    if node.op == "batch_norm":
        return Scale(node.inputs[0], *scale_and_shift(call_of(graph, node)))
    if node.op not in ("add", "sub", "mul") or node.attrs.get("activation"):
        return None
    split = split_constant(graph, node)
    if split is None:
        return None
    x, data = split
    type = graph.type(x)
    if type.dtype != DType.F32 or type.shape != graph.type(node.outputs[0]).shape:
        return None
    if not type.shape or data.size not in (1, type.shape[-1]) or data.shape[-1:] not in ((data.size,), ()):
        return None
    c = np.broadcast_to(data.astype(np.float64).reshape(-1), type.shape[-1:])
    one, zero = np.ones(len(c)), np.zeros(len(c))
    if node.op == "mul":
        return Scale(x, c, zero)
    if node.op == "add":
        return Scale(x, one, c)
    return Scale(x, one, -c) if node.inputs[0] == x else Scale(x, -one, c)
