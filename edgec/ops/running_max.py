"""Running maximum: the largest of the rows that have come."""

from __future__ import annotations

import numpy as np

from edgec.ir import DType, TensorType
from edgec.ops import neon
from edgec.ops.base import Call
from edgec.ops.kernel import Kernel
from edgec.ops.running import RunningColumns


class RunningMax(RunningColumns):
    """Row i: the maxima over rows 0 .. i of every window of columns (`RunningColumns`).

    Integer: int8, exact; the quantization stays.
    """

    name = "running_max"

    def infer(self, call: Call) -> list[TensorType]:
        return [t.with_(dtype=DType.F32) for t in super().infer(call)]

    def float_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        return self._largest(call, xs[0], -np.inf)

    def integer_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        return self._largest(call, xs[0], call.ins[0].dtype.limits[0])

    def kernel(self, call: Call) -> Kernel:
        return neon.same(call, Kernel("ec_running_max_s8", self.fields(call)))

    def _largest(self, call: Call, x: np.ndarray, fill: float) -> np.ndarray:
        y = np.maximum.accumulate(self.patches(call, x, fill).max(axis=3), axis=0)
        return y.reshape(call.outs[0].shape)
