"""How an op treats its channels, the last axis: each by itself, in slots, or mixed by weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgec.ir import DType, Graph, Node
from edgec.ops.base import call_of

_PRODUCTS = ("conv2d", "linear", "conv_transpose2d")
"""Ops whose weights [O, ..., C] mix the channels of operand 0; operand 2 is the bias [O]."""
_ALONG = ("pointwise", "requantize", "avg_pool2d", "max_pool2d", "resize_nearest", "resize_bilinear")
_REDUCTIONS = ("mean", "sum", "reduce_max")
_BINARY = ("add", "sub", "mul", "maximum", "minimum")

Axis = np.ndarray | None
"""The slot of every channel of one tensor; None where an operand has no channel of its own for each."""


@dataclass(frozen=True)
class Slots:
    """An op that computes every slot of channels from the same slot of its operands.

    ins: one entry per operand, constants included. out: of the result. Operands without slots are read
    for every channel.
    """

    ins: tuple[Axis, ...]
    out: np.ndarray

    @property
    def count(self) -> int:
        """How many slots there are."""
        return 1 + max(int(s.max(initial=-1)) for s in (*self.ins, self.out) if s is not None)


def is_product(graph: Graph, node: Node) -> bool:
    """Whether a node multiplies channels with constant weights, all of them with all."""
    if node.op not in _PRODUCTS or node.attrs.get("groups", 1) != 1 or not _is_integer(graph, node):
        return False
    weights, *bias = node.inputs[1:]
    constant = all(graph.is_constant(v) for v in node.inputs[1:])
    return constant and _axis(graph, weights) in (None, 0) and all(_axis(graph, v) in (None, 0) for v in bias)


def slots_of(graph: Graph, node: Node) -> Slots | None:
    """The slots of an op, None for one that mixes channels."""
    if not _is_integer(graph, node):
        return None
    shapes = [graph.type(v).shape for v in node.inputs]
    out = graph.type(node.outputs[0]).shape
    channels = [shape[-1] if shape else 1 for shape in shapes]
    each, rest = np.arange(out[-1] if out else 1), node.inputs[1:]
    if any(_axis(graph, v) not in (None, len(shapes[k]) - 1) for k, v in enumerate(node.inputs)) or not out:
        return None
    match node.op:
        case "depthwise_conv2d" if all(graph.is_constant(v) for v in rest):
            spread = np.repeat(np.arange(channels[0]), out[-1] // channels[0])
            return Slots((np.arange(channels[0]), *[spread] * len(rest)), spread)
        case "prelu" if graph.is_constant(node.inputs[1]):
            return Slots((each, each), each)
        case "pad" if call_of(graph, node).attrs["pads"][-1] == (0, 0):  # type: ignore[index]
            return Slots((each,), each)
        case op if op in _ALONG:
            return Slots((each,), each)
        case op if op in _REDUCTIONS:
            inside = len(shapes[0]) - 1 in call_of(graph, node).ints("axes")
            return None if inside else Slots((each,), each)
        case op if op in _BINARY:
            return Slots(tuple(each if n == each.size else None for n in channels), each)
        case "concat":
            if node.attrs["axis"] != len(out) - 1:
                return Slots(tuple(each for _ in channels), each)
            starts = np.cumsum([0, *channels])
            return Slots(tuple(np.arange(n) + s for n, s in zip(channels, starts, strict=False)), each)
        case "reshape" if channels[0] and out[-1] % channels[0] == 0:
            return Slots((np.arange(channels[0]),), each % channels[0])
        case "reshape" if out[-1] and channels[0] % out[-1] == 0:
            return Slots((np.arange(channels[0]) % out[-1],), each)
    return None


def _axis(graph: Graph, value: str) -> int | None:
    quant = graph.type(value).quant
    return None if quant is None else quant.axis


def _is_integer(graph: Graph, node: Node) -> bool:
    """Whether one result is computed from quantized numbers, operand 0 at run time."""
    values = [*node.outputs, *(v for v in node.inputs if not graph.is_constant(v))]
    quantized = all(graph.type(v).dtype in (DType.I8, DType.I16) and graph.type(v).quant for v in values)
    moves = node.op in _BINARY or node.op == "concat" or not graph.is_constant(node.inputs[0])
    return bool(node.inputs) and len(node.outputs) == 1 and quantized and moves
