"""A layer whose channels lead to running sums alone computes some of its channels at a time."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from edgec.ir import Graph, Node, Quant
from edgec.ops.base import call_of
from edgec.passes.base import Changes, Pass
from edgec.passes.rewrite import only_use, substitute

_CHANNEL_AXIS = {"conv2d": 0, "linear": 0, "depthwise_conv2d": 2}
"""Of the weights of layers: the axis of output channels."""
_STARTS = ("conv2d", "linear")
_BETWEEN = ("depthwise_conv2d", "pointwise", "requantize")
"""Ops that compute every channel from itself."""
_ENDS = ("running_sums", "running_max")
_UNIT = 4
"""Parts begin at multiples of so many channels: kernels compute them together."""


@dataclass(frozen=True)
class SplitChannels(Pass):
    """A layer that leads to a running sum becomes layers of fewer channels, each with a sum of its own.

    So a row of all channels never exists. No multiply-accumulate is added; every part reads the layer's
    operand for itself. parts: how many; only: the names of the layers to split, None for all that can
    be. Runs behind `RunningSums`.
    """

    parts: int
    only: frozenset[str] | None = None

    def run(self, graph: Graph) -> Changes:
        changes = Changes()
        for node in graph.nodes():
            if self.only is not None and node.name not in self.only:
                continue
            chain = channel_chain(graph, node)
            count = min(self.parts, graph.type(node.outputs[0]).shape[-1] // _UNIT) if chain else 0
            if chain and count > 1:
                _split(graph, chain, count)
                changes.did(node.path or node.name, f"computed in {count} groups of channels")
        graph.prune()
        return changes


def channel_chain(graph: Graph, node: Node) -> list[Node] | None:
    """The nodes from a layer to the `last_row` of its channels' running sums; None where it has none."""
    if node.op not in _STARTS or node.attrs.get("groups", 1) != 1 or not _own(graph, node):
        return None
    chain, channels = [node], graph.type(node.outputs[0]).shape[-1]
    while only_use(graph, chain[-1].outputs[0]):
        user, y = graph.consumers(chain[-1].outputs[0])[0][0], graph.type(chain[-1].outputs[0])
        chain.append(user)
        if user.op == "last_row":
            return chain if graph.type(user.outputs[0]).size == channels else None
        if user.op in _ENDS:
            if y.row_size != channels * call_of(graph, user).int("columns"):
                return None
        elif user.op not in _BETWEEN or y.shape != (*y.shape[:-1], channels) or not _own(graph, user):
            return None
    return None


def _own(graph: Graph, node: Node) -> bool:
    """Whether the operands behind the first are constants that nobody else reads."""
    return all(graph.is_constant(v) and len(graph.consumers(v)) == 1 for v in node.inputs[1:])


def _split(graph: Graph, chain: list[Node], count: int) -> None:
    end, channels = chain[-1], graph.type(chain[0].outputs[0]).shape[-1]
    bounds = [channels // _UNIT * k // count * _UNIT for k in range(count)] + [channels]
    results = [_part(graph, chain, a, b) for a, b in pairwise(bounds)]
    type = graph.type(end.outputs[0])
    flat = type.with_(shape=(1, channels), layout="")
    name = f"{end.name}.join"
    join = graph.add("join", results, [flat], {"axis": 1}, path=end.path, name=name, before=end)
    substitute(graph, end, "reshape", join.outputs, {"shape": type.shape}, join)


def _part(graph: Graph, chain: list[Node], first: int, last: int) -> str:
    """The chain for channels first .. last-1; its result, [1, channels]."""
    x, end = chain[0].inputs[0], chain[-1]
    for node in chain:
        old, attrs, operands = graph.type(node.outputs[0]), dict(node.attrs), [x]
        shape = (*old.shape[:-1], last - first)
        if node is end:
            shape = (1, last - first)
            attrs["shape"] = shape
        for v in node.inputs[1:]:
            operands.append(_cut(graph, v, _CHANNEL_AXIS.get(node.op, 0), first, last))
        types = [old.with_(shape=shape, layout=old.layout if len(shape) == len(old.shape) else "")]
        name = f"{node.name}.{first}"
        x = graph.add(node.op, operands, types, attrs, path=node.path, name=name, before=end).outputs[0]
    return x


def _cut(graph: Graph, value: str, axis: int, first: int, last: int) -> str:
    """The channels of a constant along its axis, the last of a vector; all of one that has one element."""
    data, quant = graph.data(value), graph.type(value).quant
    assert data is not None
    if data.size == 1:
        return value
    axis = min(axis, data.ndim - 1)
    if quant is not None and quant.axis == axis:
        quant = Quant(quant.scale[first:last], quant.zero_point[first:last], axis)
    part = np.ascontiguousarray(np.take(data, np.arange(first, last), axis))
    return graph.add_constant(f"{value}.{first}", part, quant)
