"""Mean and sum over any axes."""

from __future__ import annotations

import math

import numpy as np

from edgec.ir import DType, TensorType
from edgec.ops import neon
from edgec.ops.base import Call, Op, OpError, QuantRule, Rows
from edgec.ops.fixed import quantize_multiplier, requantize
from edgec.ops.kernel import Kernel, i32, table

Axis = tuple[int, int, int]
"""Of a loop: its length, and how many rows and columns of the input a step goes on."""


class Sum(Op):
    """The sum over `axes` (a tuple). Attribute: keepdims.

    Integer: TFLM SUM, q = zo + RQ(sum x - n*zi) with the factor si/so. The operand may be int16.
    """

    name = "sum"

    def infer(self, call: Call) -> list[TensorType]:
        x, axes = call.ins[0], self._axes(call)
        if any(not 0 <= a < len(x.shape) for a in axes):
            raise OpError(f"axes {axes} of a tensor of rank {len(x.shape)}")
        if call.attrs.get("keepdims", False):
            shape = tuple(1 if k in axes else n for k, n in enumerate(x.shape))
            return [TensorType(shape, layout=x.layout)]
        return [TensorType(tuple(n for k, n in enumerate(x.shape) if k not in axes))]

    def rows(self, call: Call) -> tuple[Rows | None, ...]:
        x, y = call.ins[0], call.outs[0]
        own = np.arange(x.size).reshape(x.shape) // x.row_size
        first, last = (f(own, axis=self._axes(call)).reshape(y.rows, y.row_size) for f in (np.min, np.max))
        return (Rows(first.min(axis=1), last.max(axis=1)),)

    def float_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        y = xs[0].sum(axis=self._axes(call), dtype=np.float64) / self._divisor(call)
        return np.asarray(y, np.float32).reshape(call.outs[0].shape)

    def integer_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        x, y = call.ins[0], call.outs[0]
        total = xs[0].sum(axis=self._axes(call), dtype=np.int64) - x.q.z * self._count(call)
        q = requantize(total, *self._multiplier(call)) + y.q.z
        return np.asarray(np.clip(q, *y.dtype.limits), y.dtype.numpy).reshape(y.shape)

    def quantization(self, call: Call) -> QuantRule:
        return QuantRule(wide=(0,))

    def kernel(self, call: Call) -> Kernel:
        x, y = call.ins[0], call.outs[0]
        kept, reduced = self._loops(call)
        mantissa, shift = self._multiplier(call)
        plain = Kernel(
            "ec_sum",
            {
                "length": i32(y.row_size),
                "wide": i32(x.dtype == DType.I16),
                "offset": i32(-x.q.z * self._count(call)),
                "multiplier": i32(mantissa),
                "shift": i32(shift),
                "output_zero": i32(y.q.z),
                "axes": i32(len(kept)),
                "kept": table(np.array(kept, np.int32), "int32_t"),
                "reduced": table(np.array(reduced, np.int32), "int32_t"),
            },
        )
        return neon.same(call, plain)

    def _loops(self, call: Call) -> tuple[list[Axis], list[Axis]]:
        """The axes that stay and the three that go, outermost first; adjacent ones merged."""
        shape, axes = call.ins[0].shape, self._axes(call)
        head = call.ins[0].row_axis
        found: dict[bool, list[Axis]] = {False: [], True: []}
        for k, n in enumerate(shape):
            in_row = k >= head
            step = math.prod(shape[k + 1 :] if in_row else shape[k + 1 : head])
            axis = (n, 0, step) if in_row else (n, step, 0)
            loops = found[k in axes]
            if loops and all(a == n * b for a, b in zip(loops[-1][1:], axis[1:], strict=True)):
                loops[-1] = (loops[-1][0] * n, *axis[1:])
            elif n > 1:
                loops.append(axis)
        if len(found[True]) > 3:
            raise OpError(f"too many separate axes to reduce: {axes}")
        once = [(1, 0, 0)]
        return found[False] or once, once * (3 - len(found[True])) + found[True]

    def _axes(self, call: Call) -> tuple[int, ...]:
        return call.ints("axes")

    def _count(self, call: Call) -> int:
        return math.prod(call.ins[0].shape[a] for a in self._axes(call))

    def _divisor(self, call: Call) -> int:
        return 1

    def _multiplier(self, call: Call) -> tuple[int, int]:
        return quantize_multiplier(call.ins[0].q.s / call.outs[0].q.s)


class Mean(Sum):
    """The mean over `axes` (a tuple). Attribute: keepdims.

    Integer: TFLM MEAN: as the sum, its mantissa divided by the count, truncated.
    """

    name = "mean"

    def _divisor(self, call: Call) -> int:
        return self._count(call)

    def _multiplier(self, call: Call) -> tuple[int, int]:
        mantissa, shift = super()._multiplier(call)
        n = self._count(call)
        k = min(n.bit_length() - 1, 32, 31 + shift)
        return (mantissa << k) // n, shift - k
