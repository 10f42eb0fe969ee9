"""Expand: axes of size one repeated."""

from __future__ import annotations

import numpy as np

from edgec.ir import TensorType
from edgec.ops.base import Call, OpError
from edgec.ops.view import View
from edgec.ops.viewmap import ViewMap


class Expand(View):
    """x -> numpy.broadcast_to(x, shape). Attribute: shape."""

    name = "expand"

    def infer(self, call: Call) -> list[TensorType]:
        x, shape = call.ins[0], call.ints("shape")
        new = len(shape) - len(x.shape)
        if new < 0 or any(n not in (1, m) for n, m in zip(x.shape, shape[new:], strict=True)):
            raise OpError(f"{x.shape} does not broadcast to {shape}")
        return [TensorType(shape, x.dtype, layout="" if new else x.layout)]

    def push(self, call: Call, view: ViewMap) -> ViewMap:
        return view.expand(call.ints("shape"))

    def float_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        return np.array(np.broadcast_to(xs[0], call.ints("shape")), order="C")
