"""Equalization: channels between two layers are scaled so that one number format suits them all.

What a layer's weights give up, those of the layers behind it take: the float model computes the same. Nagel,
van Baalen, Blankevoort, Welling: Data-Free Quantization Through Weight Equalization and Bias Correction, ICCV
2019, section 4.1. Weights have a scale per output channel here, so what is equalized with the weights behind
are the activations between, as in Xiao et al.: SmoothQuant, ICML 2023, section 4.
"""

from __future__ import annotations

import numpy as np

from edgec.ir import Graph, Node
from edgec.ops.interpret import evaluate
from edgec.passes.fold_scales import (
    NORMS,
    OUT_AXIS,
    expanded,
    fold_back,
    fold_into_norm,
    set_weights,
    weights_data,
)
from edgec.passes.scales import Scale
from edgec.quant.data import Samples

_MOST = 64.0
"""What a channel is scaled by at most, up or down from the middle."""


def equalized(graph: Graph, samples: Samples) -> Graph | None:
    """The float graph with other weights that computes the same; None where nothing can be scaled."""
    made, changed, largest = graph.copy(), 0, _largest(graph, samples)
    for node in made.nodes():
        value = node.outputs[0]
        users = made.consumers(value)
        if value in largest and all(_takes(made, u, k, len(largest[value])) for u, k in users):
            _equalize(made, node, [u for u, _ in users], largest[value].astype(np.float64))
            changed += 1
    made.prune()
    return made if changed else None


def _largest(graph: Graph, samples: Samples) -> dict[str, np.ndarray]:
    """The largest magnitude in each channel [C] of every value that can be scaled."""
    found = {n.outputs[0]: np.zeros(1) for n in graph.nodes() if _scalable(graph, n)}

    def see(value: str, x: np.ndarray) -> None:
        if value in found:
            found[value] = np.maximum(found[value], np.abs(x).reshape(-1, x.shape[-1]).max(axis=0))

    for k in range(len(samples)):
        evaluate(graph, samples.sample(k), see)
    return found


def _scalable(graph: Graph, node: Node) -> bool:
    """Whether a factor for each channel of the result can be in the constants of the node."""
    if node.op not in (*OUT_AXIS, *NORMS) or node.attrs.get("activation", "") not in ("", "relu"):
        return False
    if node.outputs[0] in graph.outputs or not graph.consumers(node.outputs[0]) or _shares(graph, node):
        return False
    return all(graph.is_constant(v) and graph.type(v).quant is None for v in node.inputs[1:])


def _takes(graph: Graph, user: Node, k: int, channels: int) -> bool:
    """Whether a factor for each channel of operand k can be in the user's weights."""
    if k != 0 or _shares(graph, user) or any(graph.type(v).quant is not None for v in user.inputs[1:]):
        return False
    scale = Scale("", np.ones(channels), np.zeros(channels))
    return expanded(graph, user, k, scale) is not None


def _shares(graph: Graph, node: Node) -> bool:
    """Whether other layers have a node's weights, too: with factors of its own they would be stored twice."""
    return node.op in OUT_AXIS and len(graph.consumers(node.inputs[1])) > 1


def _equalize(graph: Graph, node: Node, users: list[Node], own: np.ndarray) -> None:
    behind = np.max([_reach(graph, u, len(own)) for u in users], axis=0)
    used = (own > 0) & (behind > 0)
    if not used.any():
        return
    factor = np.ones(len(own))
    if all(u.op == "depthwise_conv2d" for u in users):  # their weights have a scale for each channel, too
        factor[used] = 1 / own[used]
    else:
        factor[used] = np.sqrt(behind[used] / own[used])
    factor[used] /= np.exp(np.log(factor[used]).mean())
    factor = np.clip(factor, 1 / _MOST, _MOST)
    none = np.zeros(len(own))
    fold = fold_into_norm if node.op in NORMS else fold_back
    fold(graph, node, Scale(node.outputs[0], factor, none))
    for user in users:
        parts = expanded(graph, user, 0, Scale("", 1 / factor, none))
        assert parts is not None
        weights = weights_data(graph, user, 1) * parts[0]
        bias = weights_data(graph, user, 2) if len(user.inputs) > 2 else None
        set_weights(graph, user, weights, bias)


def _reach(graph: Graph, user: Node, channels: int) -> np.ndarray:
    """The largest weight of each of its input channels [C], as a part of its output channel's largest."""
    weights = np.abs(weights_data(graph, user, 1))
    axis = OUT_AXIS[user.op] % weights.ndim
    others = tuple(a for a in range(weights.ndim) if a != axis)
    if user.op == "depthwise_conv2d":
        return np.ones(channels)
    shares = weights / np.maximum(weights.max(axis=others, keepdims=True), 1e-30)
    groups = user.attrs.get("groups", 1)
    assert isinstance(groups, int)
    each = shares.reshape(groups, shares.shape[0] // groups, -1, shares.shape[-1])
    reach: np.ndarray = each.max(axis=(1, 2)).reshape(-1)
    return reach
