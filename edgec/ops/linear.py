"""Linear: y[..., o] = sum_k x[..., k] * w[o, k] + b[o], with a fused activation."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgec.ir import DType, TensorType
from edgec.ops import coded, dsp, mve, neon
from edgec.ops.base import Call, Op, OpError, QuantRule, Rows
from edgec.ops.fixed import activation_limits, int_matmul, quantize_multipliers, requantize
from edgec.ops.floats import apply_activation
from edgec.ops.kernel import Field, Kernel, i32, table
from edgec.ops.quantized import folded_bias

_TOGETHER = 32
"""Vectors that the kernel for the DSP extension computes in one pass over the weights at most."""


class Linear(Op):
    """x [..., K], w [O, K], optional b [O] -> [..., O]. Attribute: activation.

    Integer: TFLM FULLY_CONNECTED. The result may be int16.
    """

    name = "linear"

    def infer(self, call: Call) -> list[TensorType]:
        x, w = call.ins[0], call.ins[1]
        if x.shape[-1] != w.shape[-1]:
            raise OpError(f"features differ: input {x.shape}, weights {w.shape}")
        return [TensorType((*x.shape[:-1], w.shape[0]), layout=x.layout)]

    def rows(self, call: Call) -> tuple[Rows | None, ...]:
        x, y = call.ins[0], call.outs[0]
        if x.rows != y.rows:  # a matrix kept as an image map: [1, H, W, K]
            return (Rows.all(y.rows, x.rows), None, None)[: len(call.ins)]
        return (Rows.same(y.rows), None, None)[: len(call.ins)]

    def overwrites(self, call: Call) -> tuple[int, ...]:
        return (0,)

    def float_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        x, w, *b = xs
        y = x @ w.T + (b[0] if b else np.float32(0))
        return apply_activation(call.str("activation", ""), y.astype(np.float32))

    def integer_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        x, w, *b = xs
        acc = int_matmul(x.astype(np.int64) - call.ins[0].q.z, w.T)
        acc = acc + (b[0].astype(np.int64) if b else 0)
        mantissa, shift = self._multipliers(call)
        lo, hi = self._limits(call)
        y = requantize(acc, mantissa, shift) + call.outs[0].q.z
        return np.clip(y, lo, hi).astype(call.outs[0].dtype.numpy)

    def quantization(self, call: Call) -> QuantRule:
        return QuantRule(constants={1: "channel:0", 2: "bias"}, wide_output=True)

    def kernel(self, call: Call) -> Kernel:
        return coded.linear(call, self._kernel)

    def _kernel(self, call: Call) -> Kernel:
        x, w, y = call.ins[0], call.ins[1], call.outs[0]
        mantissa, shift = self._multipliers(call)
        if (helium := mve.linear(call, (mantissa, shift))) is not None:
            return helium
        lo, hi = self._limits(call)
        k = w.shape[1]
        bias = folded_bias(call, call.const(1).astype(np.int64).sum(axis=1))
        if dsp.is_dsp(call.features):
            found = dsp.product_fields(call.features, call.const(1), bias, (mantissa, shift), y.q.z, (lo, hi))
            if found is not None:
                return dsp.shared(self._dsp(call, found), call)
        plain = Kernel(
            "ec_linear_s16" if y.dtype == DType.I16 else "ec_linear_s8",
            {
                "inputs": i32(k),
                "outputs": i32(w.shape[0]),
                "vectors": i32(x.row_size // k),
                "output_zero": i32(y.q.z),
                "lo": i32(lo),
                "hi": i32(hi),
                "weights": table(call.const(1), "int8_t"),
                "bias": table(bias, "int32_t"),
                "multiplier": table(mantissa, "int32_t"),
                "shift": table(shift, "int8_t"),
            },
            copies=k,
            block=call.block or 1,
        )
        return neon.linear(call, plain)

    def _dsp(self, call: Call, products: Mapping[str, Field]) -> Kernel:
        """The kernel for the DSP extension: two vectors or more at a time, if there are so many, or one where
        blocks of one row are asked for."""
        x, (outputs, k) = call.ins[0], call.ins[1].shape
        vectors, words = x.row_size // k, dsp.padded(k)
        together = 1 if k < 4 or vectors * x.rows == 1 or call.block == 1 else 2
        if together == 2 and vectors == 1 and call.block:
            together = min(call.block // 2 * 2, _TOGETHER)
        if together > 1:
            together = call.int(dsp.TOGETHER, together)
        scratch, copied = (2 * words + 4) * together, 0
        width = "s16" if call.outs[0].dtype == DType.I16 else "s8"
        if together == 1:
            scratch, copied = (words, 0) if k < words else (0, words)
        return Kernel(
            f"ec_linear_{width}_dsp",
            {
                "inputs": i32(k),
                "outputs": i32(outputs),
                "vectors": i32(vectors),
                "padded": i32(words),
                "together": i32(together),
                **products,
            },
            scratch=scratch,
            copies=copied,
            needs=dsp.files(call.features),
            feature="dsp",
            block=together if vectors == 1 else 1,
            together=together,
            cut=dsp.cut(call.features, f"ec_linear_{width}_parts_dsp", "outputs")
            if vectors == 1 < together
            else None,
        )

    def macs(self, call: Call) -> int:
        return call.outs[0].size * call.ins[1].shape[1]

    def _multipliers(self, call: Call) -> tuple[np.ndarray, np.ndarray]:
        """Per output channel. A per-tensor product of scales is rounded to float32, as TFLM does."""
        si, sw, so = call.ins[0].q.s, np.array(call.ins[1].q.scale), call.outs[0].q.s
        product = np.float64(np.float32(si) * np.float32(sw[0])) if len(sw) == 1 else si * sw
        return quantize_multipliers(np.broadcast_to(product / so, call.ins[1].shape[0]))

    def _limits(self, call: Call) -> tuple[int, int]:
        y = call.outs[0]
        return activation_limits(call.str("activation", ""), y.q.s, y.q.z, *y.dtype.limits)
