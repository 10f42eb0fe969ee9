"""Softmax over the last axis."""

from __future__ import annotations

import math

import numpy as np

from edgec.ir import Quant, TensorType
from edgec.ops import neon
from edgec.ops.base import Call, Op, OpError, QuantRule, Rows
from edgec.ops.fixed import I64, multiply_high, quantize_multiplier, rounding_shift
from edgec.ops.gemmlowp import exp_on_negative, inverse_sum
from edgec.ops.kernel import Kernel, i32, table

_LONGEST = 4095
"""The sum of exponentials has 12 integer bits."""


class Softmax(Op):
    """exp(beta * x) / sum exp(beta * x) over the last axis. Attribute: beta.

    Integer: TFLM SOFTMAX; the result has zero point -128 and scale 1/256, or that halved some
    times where many share the one and none comes near it (a softmax over the pixels of a map).
    """

    name = "softmax"

    def infer(self, call: Call) -> list[TensorType]:
        x = call.ins[0]
        if not x.shape or not 1 <= x.shape[-1] <= _LONGEST:
            raise OpError(f"softmax over the last axis of {x.shape}; it may have 1 to {_LONGEST} values")
        if not call.float("beta", 1.0) > 0:
            raise OpError(f"beta is {call.float('beta', 1.0)}; it must be positive")
        return [TensorType(x.shape, layout=x.layout)]

    def rows(self, call: Call) -> tuple[Rows | None, ...]:
        return (Rows.same(call.outs[0].rows),)

    def overwrites(self, call: Call) -> tuple[int, ...]:
        return (0,)

    def float_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        x = xs[0] * np.float32(call.float("beta", 1.0))
        e = np.exp(x - x.max(axis=-1, keepdims=True))
        return (e / e.sum(axis=-1, keepdims=True)).astype(np.float32)

    def integer_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        x = xs[0].astype(I64)
        e = self.exponentials(call)[x.max(axis=-1, keepdims=True) - x].astype(I64)
        total = rounding_shift(e, 12).sum(axis=-1, keepdims=True)
        inverse, bits = inverse_sum(total, 12)
        y = rounding_shift(multiply_high(inverse, e), bits + self._drop(call)) - 128
        return np.clip(y, -128, 127).astype(np.int8)

    def quantization(self, call: Call) -> QuantRule:
        return QuantRule(output=Quant.of(1 / 256, -128), finer=True)

    def kernel(self, call: Call) -> Kernel:
        x = call.ins[0]
        plain = Kernel(
            "ec_softmax_s8",
            {
                "length": i32(x.shape[-1]),
                "vectors": i32(x.row_size // x.shape[-1]),
                "drop": i32(self._drop(call)),
                "exponentials": table(self.exponentials(call), "int32_t"),
            },
        )
        return neon.same(call, plain)

    def _drop(self, call: Call) -> int:
        """Bits to drop from a quotient of 31 fraction bits: 23 leave eight, as TFLM has them."""
        return 31 + round(math.log2(call.outs[0].q.s))

    def exponentials(self, call: Call) -> np.ndarray:
        """exp(-beta * scale * d) for d = 0..255 below the maximum, int32 [256] without integer bits.

        Differences beyond the input radius count as nothing.
        """
        real = min(call.float("beta", 1.0) * call.ins[0].q.s * 2**26, 2.0**31 - 1)
        mantissa, shift = quantize_multiplier(real)
        radius = math.floor(31 * 2**26 / 2.0**shift)
        d = np.minimum(np.arange(256, dtype=I64), radius)
        scaled = multiply_high(-d * 2 ** max(shift, 0), mantissa)
        scaled = rounding_shift(scaled, max(-shift, 0))
        return np.where(np.arange(256) <= radius, exp_on_negative(scaled, 5), 0).astype(np.int32)
