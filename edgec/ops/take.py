"""Take: chosen indices of one axis, in any order, any number of times."""

from __future__ import annotations

import numpy as np

from edgec.ir import TensorType
from edgec.ops.base import Call, OpError
from edgec.ops.view import View
from edgec.ops.viewmap import ViewMap


class Take(View):
    """x -> numpy.take(x, indices, axis). Attributes: axis, indices (all >= 0)."""

    name = "take"

    def infer(self, call: Call) -> list[TensorType]:
        x, axis, indices = call.ins[0], call.int("axis"), call.ints("indices")
        if not 0 <= axis < len(x.shape):
            raise OpError(f"there is no axis {axis} in {x.shape}")
        if not indices or min(indices) < 0 or max(indices) >= x.shape[axis]:
            raise OpError(f"the indices are empty or leave axis {axis} of {x.shape}")
        shape = (*x.shape[:axis], len(indices), *x.shape[axis + 1 :])
        return [TensorType(shape, x.dtype, layout=x.layout)]

    def push(self, call: Call, view: ViewMap) -> ViewMap:
        return view.take(call.int("axis"), call.ints("indices"))

    def float_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        return np.take(xs[0], np.array(call.ints("indices")), axis=call.int("axis"))
