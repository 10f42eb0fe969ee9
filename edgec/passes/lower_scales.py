"""Scales and shifts per channel that found no weights to go into become one depthwise op."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgec.ir import Attr, Graph, Node
from edgec.passes.base import Changes, Pass
from edgec.passes.rewrite import add, only_use, replace
from edgec.passes.scales import Scale, scale_of

_ATTRS: dict[str, Attr] = {"stride": (1, 1), "padding": (0, 0, 0, 0), "dilation": (1, 1), "activation": ""}


@dataclass(frozen=True)
class LowerScales(Pass):
    """A batch norm with nothing to fold into, and a scale with a shift behind it, become one depthwise op."""

    def run(self, graph: Graph) -> Changes:
        changes = Changes()
        for node in graph.nodes():
            scale = scale_of(graph, node) if node in graph else None
            if scale is None:
                continue
            last = _followed(graph, node)
            if last is not node:
                behind = scale_of(graph, last)
                assert behind is not None
                shift = scale.shift * behind.scale + behind.shift
                scale = Scale(scale.x, scale.scale * behind.scale, shift)
            elif node.op != "batch_norm":
                continue
            _depthwise(graph, last, scale)
            changes.did(node.path or node.name, "scale and shift per channel in one depthwise op")
        graph.prune()
        return changes


def _followed(graph: Graph, node: Node) -> Node:
    """The scale or shift that is the only user of this one, or the node itself."""
    out = node.outputs[0]
    if only_use(graph, out):
        user = graph.consumers(out)[0][0]
        if scale_of(graph, user) is not None:
            return user
    return node


def _depthwise(graph: Graph, node: Node, scale: Scale) -> None:
    """The node as a 1x1 depthwise convolution of x seen as [N,H,W,C]."""
    shape = graph.type(scale.x).shape
    image = {1: (1, 1, 1), 2: (shape[0], 1, 1), 3: (*shape[:2], 1)}.get(len(shape), ())
    image = (*image, shape[-1]) if image else (int(np.prod(shape[:-3])), *shape[-3:])
    x = scale.x
    if image != shape:
        x = add(graph, "reshape", [x], {"shape": image}, node)
    weights = graph.add_constant(f"{node.name}.scale", scale.scale.astype(np.float32).reshape(1, 1, -1))
    bias = graph.add_constant(f"{node.name}.shift", scale.shift.astype(np.float32))
    y = add(graph, "depthwise_conv2d", [x, weights, bias], _ATTRS, node)
    if image != shape:
        y = add(graph, "reshape", [y], {"shape": shape}, node)
    replace(graph, node, y)
