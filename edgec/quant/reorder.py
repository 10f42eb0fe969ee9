"""Neurons with like weights side by side, so that a group of outputs has a codebook that suits all of them.

The order of the channels between two layers is free: what a layer's outputs are permuted by, the inputs of
the layers behind are, too, and nothing has to be stored for it. Yvinec, Dapogny, Bailly: "Network Memory
Footprint Compression Through Jointly Learnable Codebooks and Mappings", 2023, groups neurons so.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from edgec.ir import Graph, Node
from edgec.ops.forms import Form
from edgec.quant.forms import has_weights, project

_JUDGE = Form.parse("codebook3/64")
"""The form by whose error an order is judged."""
_BETTER = 0.995
"""Times the error as it was: what an order has to reach."""
_CHANNELWISE = ("avg_pool2d", "depthwise_conv2d", "max_pool2d", "pointwise")
"""Ops whose result has a channel for each of their first operand's."""


def reorder(graph: Graph) -> list[str]:
    """Permute the outputs of layers whose groups then lose less in few bits; returns their names.

    The float graph computes the same but for the order in which layers behind add up.
    """
    assert _JUDGE is not None
    changed = list[str]()
    for node in graph.nodes():
        if not _is_free(graph, node) or (between := _behind(graph, node)) is None:
            continue
        weights = _data(graph, node, 1)
        if len(weights) <= _JUDGE.share:
            continue
        order = _order(weights)
        if _error(weights[order]) < _BETTER * _error(weights):
            _permute(graph, node, between, order)
            changed.append(node.name)
    graph.prune()
    return changed


def _is_free(graph: Graph, node: Node) -> bool:
    """Whether a node has weights of its own."""
    owned = all(len(graph.consumers(v)) == 1 for v in node.inputs[1:])
    return has_weights(graph, node) and owned


def _behind(graph: Graph, node: Node) -> tuple[list[Node], list[Node]] | None:
    """The channelwise ops behind a layer, and the layers that read what they give; None where the order of
    channels is seen elsewhere."""
    along, ends = list[Node](), list[Node]()
    for value in (values := [node.outputs[0]]):
        users = graph.consumers(value)
        if value in graph.outputs or not users:
            return None
        for user, k in users:
            if k == 0 and user.op in _CHANNELWISE and _follows(graph, user):
                along.append(user)
                values.append(user.outputs[0])
            elif k == 0 and _is_free(graph, user):
                ends.append(user)
            else:
                return None
    return along, ends


def _follows(graph: Graph, node: Node) -> bool:
    constants = node.inputs[1:]
    owned = all(graph.is_constant(v) and len(graph.consumers(v)) == 1 for v in constants)
    return owned and graph.type(node.inputs[0]).shape[-1] == graph.type(node.outputs[0]).shape[-1]


def _order(weights: np.ndarray) -> np.ndarray:
    """Outputs by how heavy the tails of their weights are."""
    rows = np.abs(weights.reshape(len(weights), -1).astype(np.float64))
    flatness = np.sqrt(np.square(rows).mean(axis=1)) / np.maximum(rows.max(axis=1), 1e-30)
    return np.argsort(flatness, kind="stable")


def _error(weights: np.ndarray) -> float:
    """The squares of what the form changes."""
    assert _JUDGE is not None
    rows = weights.reshape(len(weights), -1)
    scale = np.maximum(np.abs(rows).max(axis=1) / 127, 1e-30)
    held = np.rint(rows / scale[:, None]).astype(np.int8)
    found = project(held, scale, _JUDGE)
    assert found is not None
    return found.error


def _permute(graph: Graph, node: Node, between: tuple[list[Node], list[Node]], order: np.ndarray) -> None:
    along, ends = between
    for value, axis in _constants(graph, node, along, ends):
        data = graph.data(value)
        assert data is not None
        held = graph.add_constant(value, np.ascontiguousarray(np.take(data, order, axis)))
        ((user, k),) = graph.consumers(value)
        graph.set_operand(user, k, held)


def _constants(graph: Graph, node: Node, along: list[Node], ends: list[Node]) -> Iterator[tuple[str, int]]:
    """What has an element for each channel, and the axis that it has it on."""
    yield from ((v, 0) for v in node.inputs[1:])
    for user in along:
        yield from ((v, -1) for v in user.inputs[1:])
    for user in ends:
        yield user.inputs[1], -1


def _data(graph: Graph, node: Node, k: int) -> np.ndarray:
    data = graph.data(node.inputs[k])
    assert data is not None
    return data
