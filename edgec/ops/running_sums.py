"""Running sums: the rows of a map added up as they come."""

from __future__ import annotations

import numpy as np

from edgec.ir import DType
from edgec.ops import neon
from edgec.ops.base import Call
from edgec.ops.kernel import Kernel, i32
from edgec.ops.running import RunningColumns


class RunningSums(RunningColumns):
    """Row i: the sums over rows 0 .. i of every window of columns (`RunningColumns`).

    Integer: of the stored values, zero points and all. The operand is int8 or int16; the result is int32,
    or int16 where int8 values are so few that no sum leaves it.
    """

    name = "running_sums"

    def float_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        return self._sums(call, xs[0].astype(np.float64)).astype(np.float32)

    def integer_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        return self._sums(call, xs[0].astype(np.int64)).astype(call.outs[0].dtype.numpy)

    def kernel(self, call: Call) -> Kernel:
        wide_input, wide = call.ins[0].dtype == DType.I16, call.outs[0].dtype == DType.I32
        fields = self.fields(call) | {"wide_input": i32(wide_input), "wide": i32(wide)}
        return neon.same(call, Kernel("ec_running_sums", fields))

    def _sums(self, call: Call, x: np.ndarray) -> np.ndarray:
        y = self.patches(call, x, 0).sum(axis=3).cumsum(axis=0)
        return y.reshape(call.outs[0].shape)
