"""Changing the number format: between integers on the device, from and to float at compile time."""

from __future__ import annotations

import numpy as np

from edgec.ir import DType, TensorType
from edgec.ops import neon
from edgec.ops.base import Call, Op, Rows
from edgec.ops.fixed import quantize_multiplier, requantize
from edgec.ops.kernel import Kernel, i32


class _Format(Op):
    """What the three have in common: the shape stays, row i needs row i."""

    def infer(self, call: Call) -> list[TensorType]:
        return [TensorType(call.ins[0].shape, layout=call.ins[0].layout)]

    def rows(self, call: Call) -> tuple[Rows | None, ...]:
        return (Rows.same(call.outs[0].rows),)

    def overwrites(self, call: Call) -> tuple[int, ...]:
        return (0,)


class Requantize(_Format):
    """The same reals in another scale, zero point or width (int8, int16).

    Integer: q = zo + RQ(x - zi) with the factor si/so, saturated (TFLM QUANTIZE).
    """

    name = "requantize"

    def float_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        return xs[0]

    def integer_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        x, y = call.ins[0], call.outs[0]
        mantissa, shift = quantize_multiplier(x.q.s / y.q.s)
        q = requantize(xs[0].astype(np.int64) - x.q.z, mantissa, shift) + y.q.z
        return np.clip(q, *y.dtype.limits).astype(y.dtype.numpy)

    def kernel(self, call: Call) -> Kernel:
        x, y = call.ins[0], call.outs[0]
        mantissa, shift = quantize_multiplier(x.q.s / y.q.s)
        plain = Kernel(
            "ec_requantize",
            {
                "length": i32(y.row_size),
                "wide_input": i32(x.dtype == DType.I16),
                "wide_output": i32(y.dtype == DType.I16),
                "input_zero": i32(x.q.z),
                "output_zero": i32(y.q.z),
                "multiplier": i32(mantissa),
                "shift": i32(shift),
            },
        )
        return neon.same(call, plain)


class Quantize(_Format):
    """Float to the result's integer format. Compile time only: quantization takes it out."""

    name = "quantize"

    def float_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        return xs[0]

    def integer_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        y = call.outs[0]
        q = np.rint(xs[0].astype(np.float64) / y.q.s) + y.q.z
        return np.clip(q, *y.dtype.limits).astype(y.dtype.numpy)


class Dequantize(_Format):
    """Integers to float. Compile time only: quantization takes it out."""

    name = "dequantize"

    def float_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        x = call.ins[0]
        if x.quant is None or xs[0].dtype == np.float32:
            return xs[0]
        return ((xs[0].astype(np.float64) - x.q.z) * x.q.s).astype(np.float32)
