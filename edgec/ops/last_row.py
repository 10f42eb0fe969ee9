"""Last row: what a running op has come to, brought to the format of a result."""

from __future__ import annotations

import numpy as np

from edgec.ir import DType, TensorType
from edgec.ops.base import Call, Op, OpError, QuantRule, Rows
from edgec.ops.fixed import requantize
from edgec.ops.kernel import Kernel, i32, table


class LastRow(Op):
    """The last row of x [1,rows,L] under the shape of the attribute `shape`.

    Integer: clamped to lo .. hi (attributes), and before that what the further operands, int32 constants of
    one element or of L, say: nothing; (offset, count): (x + offset) / count, ties away from zero;
    (offset, multiplier, shift): RQ(x + offset, multiplier, shift) + zy.
    """

    name = "last_row"

    def infer(self, call: Call) -> list[TensorType]:
        x, tables, shape = call.ins[0], call.ins[1:], call.ints("shape")
        y = TensorType(shape)
        if y.size != x.row_size:
            raise OpError(f"rows of {x.row_size} elements cannot have the shape {shape}")
        if len(tables) not in (0, 2, 3) or {t.size for t in tables} - {1, x.row_size}:
            raise OpError(f"tables of {[t.size for t in tables]} elements for rows of {x.row_size}")
        if len({t.size for t in tables}) > 1:
            raise OpError("some of the tables are for single elements and some for all")
        return [y]

    def rows(self, call: Call) -> tuple[Rows | None, ...]:
        last = np.full(call.outs[0].rows, call.ins[0].rows - 1)
        return (Rows(last, last), *(None for _ in call.ins[1:]))

    def float_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        y = self._last(call, xs[0]).astype(np.float64)
        if len(xs) > 1:
            y = y + xs[1]
        if len(xs) == 3:
            y = y / xs[2]
        if len(xs) == 4:
            y = y * xs[2] * 2.0 ** (xs[3].astype(np.float64) - 31)
        return y.astype(np.float32).reshape(call.outs[0].shape)

    def integer_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        y = self._last(call, xs[0]).astype(np.int64)
        if len(xs) > 1:
            y = y + xs[1]
        if len(xs) == 3:
            magnitude = (np.abs(y) + xs[2] // 2) // xs[2]
            y = np.where(y < 0, -magnitude, magnitude)
        if len(xs) == 4:
            y = requantize(y, xs[2], xs[3]) + call.outs[0].q.z
        result: np.ndarray = np.clip(y, call.int("lo"), call.int("hi")).astype(call.outs[0].dtype.numpy)
        return result.reshape(call.outs[0].shape)

    def quantization(self, call: Call) -> QuantRule:
        return QuantRule(constants=dict.fromkeys(range(1, len(call.ins)), "keep"))

    def kernel(self, call: Call) -> Kernel:
        x, y, tables = call.ins[0], call.outs[0], len(call.ins) - 1
        return Kernel(
            "ec_last_row",
            {
                "last": i32(x.rows - 1),
                "length": i32(y.row_size),
                "bytes": i32(x.dtype.bytes),
                "wide": i32(y.dtype == DType.I16),
                "step": i32(tables > 0 and call.ins[1].size > 1),
                "output_zero": i32(y.q.z),
                "lo": i32(call.int("lo")),
                "hi": i32(call.int("hi")),
                "offset": table(call.const(1) if tables else None, "int32_t"),
                "count": table(call.const(2) if tables == 2 else None, "int32_t"),
                "multiplier": table(call.const(2) if tables == 3 else None, "int32_t"),
                "shift": table(call.const(3).astype(np.int8) if tables == 3 else None, "int8_t"),
            },
        )

    def _last(self, call: Call, x: np.ndarray) -> np.ndarray:
        return x.reshape(call.ins[0].rows, -1)[-1]
