"""Layer norm over the last axis, with or without removal of the mean."""

from __future__ import annotations

import numpy as np

from edgec.ir import DType, TensorType
from edgec.ops import neon
from edgec.ops.base import Call, Op, OpError, QuantRule, Rows
from edgec.ops.fixed import I64
from edgec.ops.kernel import Field, Kernel, i32, table
from edgec.ops.norm import NormParams, affine

_LIMIT = 32767
"""Channels: count * (x - mean) must fit 32 bits where x is int16."""
_KERNELS = {
    (DType.I8, DType.I8): "ec_layer_norm_s8",
    (DType.I8, DType.I16): "ec_layer_norm_s8_s16",
    (DType.I16, DType.I8): "ec_layer_norm_s16_s8",
    (DType.I16, DType.I16): "ec_layer_norm_s16",
}


class LayerNorm(Op):
    """x [..., C], gamma [C]?, beta [C]? (float constants) -> x's shape.

    y = (x - mean) / sqrt(variance + epsilon) * gamma + beta per vector of C. Attributes:
    epsilon; rms: no mean is removed and the variance is the mean square.

    Integer: exact sums, the inverse root to 2**-28, one rounding at the end.
    """

    name = "layer_norm"

    def infer(self, call: Call) -> list[TensorType]:
        x = call.ins[0]
        for t in call.ins[1:]:
            if t.size not in (1, x.shape[-1]):
                raise OpError(f"normalizes the last axis only: input {x.shape}, parameter {t.shape}")
        if x.shape[-1] > _LIMIT:
            raise OpError(f"normalizes at most {_LIMIT} values, not {x.shape[-1]}")
        return [TensorType(x.shape, layout=x.layout)]

    def rows(self, call: Call) -> tuple[Rows | None, ...]:
        return (Rows.same(call.outs[0].rows), None, None)[: len(call.ins)]

    def overwrites(self, call: Call) -> tuple[int, ...]:
        return (0,)

    def float_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        x = xs[0].astype(np.float64)
        gamma, beta = affine((None, *xs[1:]), x.shape[-1])
        if not _rms(call):
            x = x - x.mean(axis=-1, keepdims=True)
        power = np.mean(x * x, axis=-1, keepdims=True)
        return (x / np.sqrt(power + call.float("epsilon")) * gamma + beta).astype(np.float32)

    def integer_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        x, n, z = xs[0].astype(I64), xs[0].shape[-1], call.ins[0].q.z
        s1, s2 = x.sum(axis=-1, keepdims=True), (x * x).sum(axis=-1, keepdims=True)
        if _rms(call):
            power, s1 = n * (s2 - 2 * z * s1 + n * z * z), np.full_like(s1, n * z)
        else:
            power = n * s2 - s1 * s1
        return self._params(call).normalize(x, s1, power, call.outs[0].dtype)

    def quantization(self, call: Call) -> QuantRule:
        return QuantRule(constants={1: "keep", 2: "keep"}, wide=(0,), wide_output=True)

    def kernel(self, call: Call) -> Kernel:
        x, y, p = call.ins[0], call.outs[0], self._params(call)
        plain = Kernel(
            _KERNELS[x.dtype, y.dtype],
            {
                "epsilon": Field("int64_t", p.epsilon),
                "channels": i32(p.count),
                "vectors": i32(x.row_size // p.count),
                "rms": i32(_rms(call)),
                "input_zero": i32(x.q.z),
                "fraction": i32(p.fraction),
                "shift": i32(p.shift),
                "gamma": table(p.gamma, "int16_t"),
                "beta": table(p.beta, "int32_t"),
            },
            needs=("ec_root",),
        )
        return neon.same(call, plain)

    def _params(self, call: Call) -> NormParams:
        n = call.ins[0].shape[-1]
        gamma, beta = affine(call.consts, n)
        return NormParams.of(n, gamma, beta, call.float("epsilon"), call.ins[0].q, call.outs[0].q)


def _rms(call: Call) -> bool:
    return bool(call.attrs.get("rms", False))
