"""Slice: a regular part of every axis."""

from __future__ import annotations

import numpy as np

from edgec.ir import TensorType
from edgec.ops.base import Call, OpError
from edgec.ops.view import View
from edgec.ops.viewmap import ViewMap


class Slice(View):
    """x -> the elements range(start, stop, step) of every axis.

    Attributes: starts, stops, steps, one per axis, as of Python's range (no index counts from
    the end): a step may be negative, and then a stop of -1 includes element 0.
    """

    name = "slice"

    def infer(self, call: Call) -> list[TensorType]:
        x = call.ins[0]
        if not len(call.ints("starts")) == len(call.ints("stops")) == len(call.ints("steps")) == len(x.shape):
            raise OpError(f"starts, stops and steps must have one entry per axis of {x.shape}")
        if 0 in call.ints("steps"):
            raise OpError("a step is zero")
        parts = ranges(call)
        for axis, (part, n) in enumerate(zip(parts, x.shape, strict=True)):
            if not len(part) or min(part) < 0 or max(part) >= n:
                raise OpError(f"{part} is empty or leaves axis {axis} of {x.shape}")
        return [TensorType(tuple(len(p) for p in parts), x.dtype, layout=x.layout)]

    def push(self, call: Call, view: ViewMap) -> ViewMap:
        for axis, part in enumerate(ranges(call)):
            if part != range(call.ins[0].shape[axis]):
                view = view.take(axis, part)
        return view

    def float_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        return np.array(xs[0][np.ix_(*ranges(call))], order="C")


def ranges(call: Call) -> list[range]:
    """The indices that the slice keeps, per axis."""
    return [
        range(a, b, s)
        for a, b, s in zip(call.ints("starts"), call.ints("stops"), call.ints("steps"), strict=True)
    ]
