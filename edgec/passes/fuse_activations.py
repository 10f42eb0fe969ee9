"""ReLU and its clipped forms become part of the op whose result they clip."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgec.ir import DType, Graph, Node
from edgec.ops.base import call_of, op_of
from edgec.ops.fixed import activation_limits
from edgec.passes.base import Changes, Pass
from edgec.passes.rewrite import only_use, replace, view_node

_CLAMPS = {"relu": "relu", "relu6": "relu6", "tflm_relu": "relu", "tflm_relu6": "relu6"}
_PRODUCERS = ("conv2d", "depthwise_conv2d", "linear", "add", "sub", "mul", "avg_pool2d")


@dataclass(frozen=True)
class FuseActivations(Pass):
    """ReLU, ReLU6 and clipping to -1..1 are done where the value is computed."""

    def run(self, graph: Graph) -> Changes:
        changes = Changes()
        for node in graph.nodes():
            activation = _activation(node)
            if not activation:
                continue
            producer = _computed_by(graph, node.inputs[0])
            if producer is None or producer.op not in _PRODUCERS:
                continue
            merged = _both(str(producer.attrs.get("activation", "")), activation)
            if merged is not None and _is_clamp(graph, node, activation):
                producer.attrs["activation"] = merged
                replace(graph, node, node.inputs[0])
                changes.did(node.path or node.name, f"{activation} done by {producer.path or producer.name}")
        return changes


def _activation(node: Node) -> str:
    """The fused form of a pointwise node, or ""."""
    attrs = dict(node.attrs)
    fn = attrs.pop("fn", "")
    if node.op != "pointwise":
        return ""
    if fn in _CLAMPS and not attrs:
        return _CLAMPS[str(fn)]
    limits = (attrs.pop("lo", None), attrs.pop("hi", None))
    return {(0.0, 6.0): "relu6", (-1.0, 1.0): "relu_n1_to_1"}.get(limits, "") if not attrs else ""  # type: ignore[arg-type]


def _is_clamp(graph: Graph, node: Node, activation: str) -> bool:
    """Whether the node does exactly what the fused activation would do to the integers, or is float."""
    x, y = graph.type(node.inputs[0]), graph.type(node.outputs[0])
    if y.quant is None:
        return x.quant is None
    if (x.dtype, x.quant) != (y.dtype, y.quant) or y.dtype != DType.I8:
        return False
    inputs = np.arange(-128, 128).astype(np.int8)
    limits = activation_limits(activation, y.q.s, y.q.z, *y.dtype.limits)
    results = op_of(node).integer_reference(call_of(graph, node), inputs)
    return bool(np.array_equal(results, np.clip(inputs, *limits)))


def _both(first: str, second: str) -> str | None:
    """The one activation that does both, if there is one."""
    if first in ("", second):
        return second
    return "relu6" if {first, second} == {"relu", "relu6"} else None


def _computed_by(graph: Graph, value: str) -> Node | None:
    """The node that computes a value nobody else uses, seen through views (which clip nothing)."""
    while only_use(graph, value):
        view = view_node(graph, value)
        if view is None:
            return graph.producer(value)
        value = view.inputs[0]
    return None
