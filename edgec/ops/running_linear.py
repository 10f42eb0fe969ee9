"""Running linear: a layer over all of a map, its products added up row by row."""

from __future__ import annotations

import numpy as np

from edgec.ir import DType, TensorType
from edgec.ops.base import Call, Op, OpError, QuantRule, Rows
from edgec.ops.fixed import int_matmul
from edgec.ops.kernel import Kernel, i32, table


class RunningLinear(Op):
    """x with rows of K elements, w [rows,O,K] -> [1,rows,O]: y[i] = y[i-1] + w[i] x[i].

    The last row is what a linear layer over the flattened map computes before it adds its bias.
    Integer: int8 values as they are stored, zero point and all, to int32.
    """

    name = "running_linear"

    def infer(self, call: Call) -> list[TensorType]:
        x, w = call.ins[0], call.ins[1]
        if len(w.shape) != 3 or (x.rows, x.row_size) != (w.shape[0], w.shape[2]):
            raise OpError(f"{x.rows} rows of {x.row_size} elements do not fit weights {w.shape}")
        return [TensorType((1, *w.shape[:2]), DType.I32)]

    def rows(self, call: Call) -> tuple[Rows | None, ...]:
        return (Rows.same(call.ins[0].rows), None)

    def carries(self, call: Call) -> bool:
        return True

    def float_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        x, w = xs[0].reshape(call.ins[0].rows, -1, 1), xs[1]
        y = np.matmul(w.astype(np.float64), x).cumsum(axis=0)
        return y.astype(np.float32).reshape(call.outs[0].shape)

    def integer_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        x, w = xs[0].reshape(call.ins[0].rows, -1, 1), xs[1]
        return int_matmul(w, x).cumsum(axis=0).astype(np.int32).reshape(call.outs[0].shape)

    def quantization(self, call: Call) -> QuantRule:
        return QuantRule(constants={1: "channel:1"}, out_dtype=DType.I32)

    def kernel(self, call: Call) -> Kernel:
        _, outputs, inputs = call.ins[1].shape
        weights = table(call.const(1), "int8_t", by_row=True)
        fields = {"inputs": i32(inputs), "outputs": i32(outputs), "weights": weights}
        return Kernel("ec_running_linear_s8", fields)

    def macs(self, call: Call) -> int:
        return call.ins[1].size
