"""PReLU: a slope per channel below zero."""

from __future__ import annotations

import numpy as np

from edgec.ir import TensorType
from edgec.ops.base import Call, Op, OpError, QuantRule, Rows
from edgec.ops.fixed import I64, quantize_multiplier, requantize
from edgec.ops.kernel import Kernel, i32, table


class PReLU(Op):
    """x [..., C], alpha [C] -> x where x >= 0, else x * alpha.

    Integer: TFLM PRELU; alpha is int8 with one scale.
    """

    name = "prelu"

    def infer(self, call: Call) -> list[TensorType]:
        x, alpha = call.ins[0], call.ins[1]
        if alpha.shape != x.shape[-1:]:
            raise OpError(f"slopes {alpha.shape} for channels of {x.shape}")
        return [TensorType(x.shape, layout=x.layout)]

    def rows(self, call: Call) -> tuple[Rows | None, ...]:
        return Rows.same(call.outs[0].rows), None

    def overwrites(self, call: Call) -> tuple[int, ...]:
        return (0,)

    def float_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        x, alpha = xs
        return np.where(x >= 0, x, x * alpha).astype(np.float32)

    def integer_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        v = xs[0].astype(I64) - call.ins[0].q.z
        positive, negative = _multipliers(call)
        below = requantize(v * (xs[1].astype(I64) - call.ins[1].q.z), *negative)
        q = np.where(v >= 0, requantize(v, *positive), below) + call.outs[0].q.z
        return np.clip(q, -128, 127).astype(np.int8)

    def quantization(self, call: Call) -> QuantRule:
        return QuantRule(constants={1: "tensor"})

    def kernel(self, call: Call) -> Kernel:
        (mantissa, shift), (alpha_mantissa, alpha_shift) = _multipliers(call)
        return Kernel(
            "ec_prelu_s8",
            {
                "length": i32(call.ins[0].row_size),
                "channels": i32(call.ins[1].size),
                "input_zero": i32(call.ins[0].q.z),
                "output_zero": i32(call.outs[0].q.z),
                "multiplier": i32(mantissa),
                "shift": i32(shift),
                "alpha_multiplier": i32(alpha_mantissa),
                "alpha_shift": i32(alpha_shift),
                "alpha": table(call.const(1).astype(np.int16) - np.int16(call.ins[1].q.z), "int16_t"),
            },
        )


def _multipliers(call: Call) -> tuple[tuple[int, int], tuple[int, int]]:
    """At or above zero, and below."""
    x, alpha, y = call.ins[0].q.s, call.ins[1].q.s, call.outs[0].q.s
    return quantize_multiplier(x / y), quantize_multiplier(x * alpha / y)
