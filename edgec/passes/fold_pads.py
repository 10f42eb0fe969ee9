"""Zeros padded around an image become the padding of the op that reads it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from edgec.ir import DType, Graph, Node
from edgec.ops.base import call_of
from edgec.passes.base import Changes, Pass
from edgec.passes.rewrite import view_node


@dataclass(frozen=True)
class FoldPads(Pass):
    """Zeros padded around an image become the padding of the convolution or pooling behind."""

    def run(self, graph: Graph) -> Changes:
        changes = Changes()
        for node in graph.nodes():
            if node.op != "pad":
                continue
            users = graph.consumers(node.outputs[0])
            if node.outputs[0] in graph.outputs or not users or not _plain(graph, node):
                continue
            if not all(k == 0 and _takes(graph, u, node) for u, k in users):
                changes.left(node.path or node.name, "a consumer has no padding of this kind")
                continue
            for user, _ in users:
                user.attrs["padding"] = _together(graph, node, user)
                if user.op == "avg_pool2d":
                    user.attrs["count_include_pad"] = True
                graph.set_operand(user, 0, node.inputs[0])
            graph.remove(node)
            changes.did(node.path or node.name, "folded into the padding of its consumers")
        return changes


def _plain(graph: Graph, node: Node) -> bool:
    """Whether it pads H and W of an image map with real zero."""
    pads = _pads(node)
    same = graph.type(node.inputs[0]).quant == graph.type(node.outputs[0]).quant
    return same and len(pads) == 4 and pads[0] == pads[3] == (0, 0) and node.attrs.get("value", 0.0) == 0.0


def _pads(node: Node) -> tuple[tuple[int, int], ...]:
    """(before, after) per axis."""
    return cast(tuple[tuple[int, int], ...], node.attrs["pads"])


def _together(graph: Graph, pad: Node, user: Node) -> tuple[int, int, int, int]:
    """The user's padding (top, left, bottom, right) with the pads."""
    top, left, bottom, right = call_of(graph, user).ints("padding", (0, 0, 0, 0))
    _, height, width, _ = _pads(pad)
    return top + height[0], left + width[0], bottom + height[1], right + width[1]


def _takes(graph: Graph, user: Node, pad: Node) -> bool:
    """Whether the user's padding means the same."""
    if user.op in ("conv2d", "depthwise_conv2d"):
        return True
    if user.op == "avg_pool2d" and graph.type(user.inputs[0]).dtype == DType.F32:
        own = call_of(graph, user).ints("padding", (0, 0, 0, 0))
        return not any(own) or user.attrs.get("count_include_pad") is True
    if user.op != "max_pool2d" or not _never_negative(graph, pad.inputs[0]):
        return False
    (top, left, bottom, right), (kh, kw) = _together(graph, pad, user), call_of(graph, user).ints("kernel")
    return max(top, bottom) < kh and max(left, right) < kw  # no window without a real element


def _never_negative(graph: Graph, value: str) -> bool:
    """Whether a value is the result of a ReLU, so that zeros never win a maximum wrongly."""
    while (view := view_node(graph, value)) is not None:
        value = view.inputs[0]
    node = graph.producer(value)
    if node is None:
        return False
    return node.attrs.get("activation") in ("relu", "relu6") or node.attrs.get("fn") in ("relu", "relu6")
