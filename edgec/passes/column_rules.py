"""Which operand columns an op needs for some columns of its result, and how it computes only those."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from edgec.ir import Attr
from edgec.ops.base import Call, registry
from edgec.ops.windows2d import Window2d

Span = tuple[int, int]
"""Columns first .. last-1."""


class WholeRows(Exception):
    """An op cannot be computed column by column; the message says why, as a clause behind its name."""


@dataclass(frozen=True)
class Part:
    """How an op computes some columns of its result.

    span: the columns, perhaps more than were asked for. needs: per operand, the columns that it has to
    hold; None for one that is read as it is. attrs: those that differ from the whole op's.
    """

    span: Span
    needs: tuple[Span | None, ...]
    attrs: Mapping[str, Attr] = field(default_factory=dict)


def part_of(op: str, call: Call, span: Span) -> Part:
    """How `op` computes the columns `span` of its result, a map [N,H,W,C].

    Raises WholeRows where it cannot.
    """
    if op not in _RULES:
        raise WholeRows("needs whole rows")
    if len(call.outs) != 1 or len(call.outs[0].shape) != 4:
        raise WholeRows("has no map of columns as its result")
    return _RULES[op](op, call, span)


def step_of(op: str, call: Call) -> int:
    """Columns of the result that have to be computed together: cuts elsewhere cost a wider part."""
    if op != "resize_nearest" or len(call.outs[0].shape) != 4:
        return 1
    return max(1, call.outs[0].shape[2] // max(1, call.ins[0].shape[2]))


def _sliding(op: str, call: Call, span: Span) -> Part:
    """A window over the columns; padding stays where the image ends."""
    match op:
        case "conv2d":
            kernel = call.ins[1].shape[1:3]
        case "depthwise_conv2d":
            kernel = call.ins[1].shape[:2]
        case _:
            kernel = call.ints("kernel")
    window = Window2d.of(call, kernel)
    top, left, bottom, _ = window.padding
    width, stride = call.ins[0].shape[2], window.stride[1]
    first = span[0] * stride - left
    last = (span[1] - 1) * stride - left + window.extent[1]
    need = _inside((first, last), width)
    padding = (top, max(0, -first), bottom, max(0, last - width))
    rest = (None,) * (len(call.ins) - 1)
    return Part(span, (need, *rest), {"padding": padding})


def _inside(span: Span, width: int) -> Span:
    first, last = max(span[0], 0), min(span[1], width)
    if first >= last:
        raise WholeRows("computes columns from padding alone")
    return first, last


def _by_column(op: str, call: Call, span: Span) -> Part:
    """Column i from column i of every operand that has as many, and from all of one that has one or none."""
    width = call.outs[0].shape[2]
    needs: list[Span | None] = []
    for t, data in zip(call.ins, call.consts, strict=True):
        repeated = len(t.shape) < 2 or t.shape[-2] == 1 != width
        if not repeated and data is None and len(t.shape) != 4:
            raise WholeRows(f"reads an operand of {t.shape} that is no map of columns")
        if not repeated and t.quant is not None and t.quant.axis == len(t.shape) - 2:
            raise WholeRows("has a scale for every column")
        needs.append(None if repeated else span)
    return Part(span, tuple(needs))


def _by_pixel(op: str, call: Call, span: Span) -> Part:
    """Pixel i from pixel i of operand 0; the others are parameters."""
    return Part(span, (span, *(None,) * (len(call.ins) - 1)))


def _concat(op: str, call: Call, span: Span) -> Part:
    if call.int("axis") == 2:
        raise WholeRows("puts columns side by side")
    return _by_column(op, call, span)


def _pad(op: str, call: Call, span: Span) -> Part:
    pads = call.attrs["pads"]
    assert isinstance(pads, tuple) and isinstance(pads[2], tuple)
    before, width = pads[2][0], call.ins[0].shape[2]
    assert isinstance(before, int)
    first, last = span[0] - before, span[1] - before
    need = _inside((first, last), width)
    columns = (max(0, -first), max(0, last - width))
    return Part(span, (need,), {"pads": (*pads[:2], columns, pads[3])})


def _resize_nearest(op: str, call: Call, span: Span) -> Part:
    """By a whole factor, the columns of whole source pixels."""
    factor = step_of(op, call)
    first, last = span[0] // factor, -(-span[1] // factor)
    wide = first * factor, last * factor
    height, width = call.ints("size")
    size = height, wide[1] - wide[0]
    whole, part = _sources(call, call.ins[0].shape[2], width), _sources(call, last - first, size[1])
    if not np.array_equal(whole[slice(*wide)], part + first):
        raise WholeRows("does not repeat columns a whole number of times")
    return Part(wide, ((first, last),), {"size": size})


def _sources(call: Call, width: int, out_width: int) -> np.ndarray:
    """The source of every column, as the op itself has it for an image of that width."""
    column = call.ins[0].with_(shape=(1, 1, width, 1))
    narrow = Call(call.name, call.path, {**call.attrs, "size": (1, out_width)}, (column,), (), (None,))
    found = registry()["resize_nearest"].float_reference(narrow, np.arange(width).reshape(column.shape))
    return np.asarray(found).reshape(-1)


_RULES: Mapping[str, Callable[[str, Call, Span], Part]] = {
    **dict.fromkeys(("conv2d", "depthwise_conv2d", "avg_pool2d", "max_pool2d"), _sliding),
    **dict.fromkeys(("add", "sub", "mul", "maximum", "minimum"), _by_column),
    **dict.fromkeys(("pointwise", "requantize", "prelu", "linear", "layer_norm", "softmax"), _by_pixel),
    "concat": _concat,
    "pad": _pad,
    "resize_nearest": _resize_nearest,
}
