"""Running depthwise convolution: a kernel as large as the map, its products added up row by row."""

from __future__ import annotations

import numpy as np

from edgec.ir import DType, TensorType
from edgec.ops.base import Call, Op, OpError, QuantRule, Rows
from edgec.ops.kernel import Kernel, i32, table


class RunningDepthwise(Op):
    """x [1,H,W,C], w [H,W,C] -> [1,H,C]: y[i,c] = y[i-1,c] + sum over k of w[i,k,c] x[i,k,c].

    The last row is what a depthwise convolution with one result computes before it adds its bias.
    Integer: int8 values as they are stored, zero point and all, to int32.
    """

    name = "running_depthwise"

    def infer(self, call: Call) -> list[TensorType]:
        x, w = call.ins[0].shape, call.ins[1].shape
        if x != (1, *w) or len(w) != 3:
            raise OpError(f"a map of {x} does not fit weights {w}")
        return [TensorType((1, w[0], w[2]), DType.I32)]

    def rows(self, call: Call) -> tuple[Rows | None, ...]:
        return (Rows.same(call.ins[0].rows), None)

    def carries(self, call: Call) -> bool:
        return True

    def float_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        return self._sums(xs[0].astype(np.float64), xs[1]).astype(np.float32)

    def integer_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        return self._sums(xs[0].astype(np.int64), xs[1]).astype(np.int32)

    def quantization(self, call: Call) -> QuantRule:
        return QuantRule(constants={1: "channel:2"}, out_dtype=DType.I32)

    def kernel(self, call: Call) -> Kernel:
        _, columns, channels = call.ins[1].shape
        weights = table(call.const(1), "int8_t", by_row=True)
        fields = {"columns": i32(columns), "channels": i32(channels), "weights": weights}
        return Kernel("ec_running_depthwise_s8", fields)

    def macs(self, call: Call) -> int:
        return call.ins[1].size

    def _sums(self, x: np.ndarray, w: np.ndarray) -> np.ndarray:
        return np.asarray((x * w).sum(axis=2).cumsum(axis=1))
