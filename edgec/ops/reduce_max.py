"""Maximum over any axes."""

from __future__ import annotations

import numpy as np

from edgec.ops.base import Call, QuantRule
from edgec.ops.kernel import Kernel, i32, table
from edgec.ops.mean import Sum


class ReduceMax(Sum):
    """The maximum over `axes` (a tuple). Attribute: keepdims. Exact: the quantization stays."""

    name = "reduce_max"

    def float_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        return np.asarray(xs[0].max(axis=self._axes(call))).reshape(call.outs[0].shape)

    def integer_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        return self.float_reference(call, *xs)

    def quantization(self, call: Call) -> QuantRule:
        return QuantRule(output="same")

    def kernel(self, call: Call) -> Kernel:
        kept, reduced = self._loops(call)
        return Kernel(
            "ec_reduce_max_s8",
            {
                "length": i32(call.outs[0].row_size),
                "axes": i32(len(kept)),
                "kept": table(np.array(kept, np.int32), "int32_t"),
                "reduced": table(np.array(reduced, np.int32), "int32_t"),
            },
        )
