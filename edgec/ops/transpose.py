"""Transpose: axes in another order."""

from __future__ import annotations

import numpy as np

from edgec.ir import TensorType
from edgec.ops.base import Call, OpError
from edgec.ops.view import View
from edgec.ops.viewmap import ViewMap


class Transpose(View):
    """x -> numpy.transpose(x, perm). Attribute: perm."""

    name = "transpose"

    def infer(self, call: Call) -> list[TensorType]:
        x, perm = call.ins[0], call.ints("perm")
        if sorted(perm) != list(range(len(x.shape))):
            raise OpError(f"perm {perm} does not order the axes of {x.shape}")
        layout = "".join(x.layout[p] for p in perm) if x.layout else ""
        return [TensorType(tuple(x.shape[p] for p in perm), x.dtype, layout=layout)]

    def push(self, call: Call, view: ViewMap) -> ViewMap:
        return view.transpose(call.ints("perm"))

    def float_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        return np.array(xs[0].transpose(call.ints("perm")), order="C")
