"""Reshape: the same bytes under another shape."""

from __future__ import annotations

import math

import numpy as np

from edgec.ir import TensorType
from edgec.ops.base import Call, OpError
from edgec.ops.view import View
from edgec.ops.viewmap import ViewMap


class Reshape(View):
    """x -> the same elements in the same order. Attribute: shape (all sizes given)."""

    name = "reshape"
    is_alias = True

    def infer(self, call: Call) -> list[TensorType]:
        x, shape = call.ins[0], call.ints("shape")
        if math.prod(shape) != x.size:
            raise OpError(f"{x.size} elements of {x.shape} cannot have the shape {shape}")
        return [TensorType(shape, x.dtype, layout=x.layout if len(shape) == len(x.shape) else "")]

    def push(self, call: Call, view: ViewMap) -> ViewMap:
        return view.reshape(call.ints("shape"))

    def float_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        return xs[0].reshape(call.ints("shape"))
