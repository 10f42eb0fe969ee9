"""Scales and shifts per channel (batch norms, too) become part of the op before or after them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edgec.ir import Graph, Node
from edgec.passes.base import Changes, Pass
from edgec.passes.rewrite import only_use, renamed, replace
from edgec.passes.scales import Scale, scale_of

OUT_AXIS = {"conv2d": 0, "conv_transpose2d": 0, "linear": 0, "depthwise_conv2d": -1}
"""Axis of the output channel in the weights (operand 1; operand 2 is the bias)."""
NORMS = ("layer_norm", "group_norm")
"""Norms with a scale (operand 1) and a shift (operand 2) of their own."""


@dataclass(frozen=True)
class FoldScales(Pass):
    """Batch norms and other scales and shifts per channel become part of the weights beside them."""

    def run(self, graph: Graph) -> Changes:
        changes = Changes()
        for node in graph.nodes():
            scale = scale_of(graph, node) if node in graph else None
            if scale is None:
                continue
            where = node.path or node.name
            before = _producer(graph, scale.x, scale.channels)
            if before is not None and before.op in OUT_AXIS and not before.attrs.get("activation"):
                fold_back(graph, before, scale)
            elif before is not None and before.op in NORMS:
                fold_into_norm(graph, before, scale)
            elif _fold_forward(graph, node, scale):
                changes.did(where, "folded into the weights after it")
                continue
            else:
                continue
            replace(graph, node, scale.x)
            changes.did(where, f"folded into {before.path or before.name}")
        graph.prune()
        return changes


def _producer(graph: Graph, value: str, channels: int) -> Node | None:
    """The node with constant parameters that computes a value used only once, channels last.

    It is seen through views that amount to another shape.
    """
    base = renamed(graph, value)
    node = graph.producer(base) if only_use(graph, value) and only_use(graph, base) else None
    if node is None or graph.type(base).shape[-1:] != (channels,):
        return None
    return node if all(graph.is_constant(v) for v in node.inputs[1:]) else None


def fold_back(graph: Graph, node: Node, scale: Scale) -> None:
    """Into the weights and the bias of a node of `OUT_AXIS`."""
    weights = weights_data(graph, node, 1)
    shape = [1] * weights.ndim
    shape[OUT_AXIS[node.op]] = -1
    bias = weights_data(graph, node, 2) if len(node.inputs) > 2 else 0.0
    set_weights(graph, node, weights * scale.scale.reshape(shape), bias * scale.scale + scale.shift)


def fold_into_norm(graph: Graph, node: Node, scale: Scale) -> None:
    """Into the scale and the shift of a node of `NORMS`."""
    gamma = weights_data(graph, node, 1) if len(node.inputs) > 1 else 1.0
    beta = weights_data(graph, node, 2) if len(node.inputs) > 2 else 0.0
    set_weights(graph, node, gamma * scale.scale, beta * scale.scale + scale.shift)


def _fold_forward(graph: Graph, node: Node, scale: Scale) -> bool:
    """Into every consumer's weights, where all of them can take it exactly."""
    out = node.outputs[0]
    users = graph.consumers(out)
    if out in graph.outputs or not users or any(expanded(graph, u, k, scale) is None for u, k in users):
        return False
    for user, k in users:
        parts = expanded(graph, user, k, scale)
        assert parts is not None
        weights = weights_data(graph, user, 1)
        axes = tuple(a for a in range(weights.ndim) if a != OUT_AXIS[user.op] % weights.ndim)
        bias = weights_data(graph, user, 2) if len(user.inputs) > 2 else 0.0
        set_weights(graph, user, weights * parts[0], bias + (weights * parts[1]).sum(axis=axes))
        graph.set_operand(user, 0, scale.x)
    graph.remove(node)
    return True


def expanded(graph: Graph, user: Node, k: int, scale: Scale) -> tuple[np.ndarray, np.ndarray] | None:
    """Scale and shift in the shape of the user's weights; None where the user cannot take them."""
    if k != 0 or user.op not in ("conv2d", "linear", "depthwise_conv2d"):
        return None
    if any(user.attrs.get("padding", ())) and scale.shift.any():  # type: ignore[arg-type]
        return None  # the padding is zero behind the shift, not before it
    weights = graph.data(user.inputs[1])
    if weights is None or (len(user.inputs) > 2 and not graph.is_constant(user.inputs[2])):
        return None
    spread: Callable[[np.ndarray], np.ndarray]
    if user.op == "depthwise_conv2d":
        multiplier = weights.shape[-1] // scale.channels
        spread = lambda v: np.repeat(v, multiplier)  # noqa: E731
    elif user.op == "linear":
        spread = lambda v: v  # noqa: E731
    else:
        groups = user.attrs.get("groups", 1)
        assert isinstance(groups, int)
        each = weights.shape[0] // groups
        spread = lambda v: np.repeat(v.reshape(groups, -1), each, axis=0)[:, None, None, :]  # noqa: E731
    return spread(scale.scale), spread(scale.shift)


def weights_data(graph: Graph, node: Node, k: int) -> np.ndarray:
    """Constant operand k, float64."""
    data = graph.data(node.inputs[k])
    assert data is not None, f"{node.name}: operand {k} is no constant"
    return data.astype(np.float64)


def set_weights(graph: Graph, node: Node, weights: np.ndarray, bias: np.ndarray | None) -> None:
    """New float32 operands 1 and 2, the second only where there is a bias."""
    names = []
    for k, (data, stem) in enumerate(((weights, "weight"), (bias, "bias")), start=1):
        if data is None:
            continue
        old = node.inputs[k] if k < len(node.inputs) else f"{node.name}.{stem}"
        names.append(graph.add_constant(old, data.astype(np.float32)))
    graph.set_inputs(node, [node.inputs[0], *names])
