"""Depthwise 2-D convolution: every input channel by itself gives `multiplier` output channels."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgec.ir import TensorType
from edgec.ops import dsp, mve, neon
from edgec.ops.base import Call, Op, OpError, QuantRule, Rows
from edgec.ops.fixed import quantize_multipliers, requantize
from edgec.ops.floats import apply_activation
from edgec.ops.kernel import Field, Kernel, i32, table
from edgec.ops.quantized import folded_bias, limits, saturate, window_fields
from edgec.ops.windows2d import Window2d

_FEW = 16
"""Taps whose addresses the C kernel keeps on its stack."""


class DepthwiseConv2d(Op):
    """x [N,H,W,C], w [KH,KW,C*m], optional b [C*m] -> [N,OH,OW,C*m]; output channel c*m + j.

    Attributes: stride, padding (top, left, bottom, right), dilation, activation.
    Integer: TFLM DEPTHWISE_CONV_2D.
    """

    name = "depthwise_conv2d"

    def infer(self, call: Call) -> list[TensorType]:
        x, w = call.ins[0].shape, call.ins[1].shape
        if len(w) != 3 or len(x) != 4 or w[2] % x[3]:
            raise OpError(f"depthwise weights {w} do not fit an input of {x}")
        oh, ow = self._window(call).output(x[1], x[2])
        return [TensorType((x[0], oh, ow, w[2]), layout=call.ins[0].layout)]

    def rows(self, call: Call) -> tuple[Rows | None, ...]:
        return (self._window(call).rows(call), None, None)[: len(call.ins)]

    def overwrites(self, call: Call) -> tuple[int, ...]:
        # A channel is written when all its taps have been read, and no other pixel of the row
        # needs them where there is only one. With stride 1 the row starts no later than its taps.
        # With the DSP extension, channels beyond a multiple of 4 are computed twice.
        x, y = call.ins[0].shape, call.outs[0].shape
        by_itself = x[2:] == y[2:] and x[2] == 1 and self._window(call).stride[0] == 1
        return (0,) if by_itself and not (dsp.is_dsp(call.features) and x[3] % 4) else ()

    def float_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        x, w, *b = xs
        y = self._convolve(call, x, w, np.dtype(np.float32)) + (b[0] if b else np.float32(0))
        return apply_activation(call.str("activation", ""), y.astype(np.float32))

    def integer_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        x, w, *b = xs
        x = x.astype(np.int32) - call.ins[0].q.z
        acc = self._convolve(call, x, w.astype(np.int32), np.dtype(np.int64))
        acc = acc + (b[0].astype(np.int64) if b else 0)
        return saturate(call, requantize(acc, *self._multipliers(call)) + call.outs[0].q.z)

    def quantization(self, call: Call) -> QuantRule:
        return QuantRule(constants={1: "channel:2", 2: "bias"})

    def kernel(self, call: Call) -> Kernel:
        mantissa, shift = self._multipliers(call)
        if (helium := mve.depthwise_conv2d(call, self._window(call), (mantissa, shift))) is not None:
            return helium
        weights, x = call.const(1).astype(np.int64), call.ins[0]
        kh, kw, _ = weights.shape
        lo, hi = limits(call)
        bias = folded_bias(call, weights.sum(axis=(0, 1)))
        if dsp.is_dsp(call.features):
            multipliers, zero = (mantissa, shift), call.outs[0].q.z
            found = dsp.depthwise_fields(call.features, call.const(1), bias, multipliers, zero, (lo, hi))
            if found is not None and x.shape[3] == len(bias):
                return self._dsp(call, found)
        plain = Kernel(
            "ec_depthwise_conv2d_s8",
            {
                **window_fields(call, self._window(call)),
                "input_zero": i32(x.q.z),
                "output_zero": i32(call.outs[0].q.z),
                "lo": i32(lo),
                "hi": i32(hi),
                "weights": table(call.const(1), "int8_t"),
                "bias": table(bias, "int32_t"),
                "multiplier": table(mantissa, "int32_t"),
                "shift": table(shift, "int8_t"),
            },
            scratch=8 * kh * kw if kh * kw > _FEW else 0,
        )
        return neon.depthwise_conv2d(call, plain)

    def _dsp(self, call: Call, products: Mapping[str, Field]) -> Kernel:
        """The kernel for the DSP extension: four channels at a time, two taps an instruction."""
        kh, kw, channels = call.ins[1].shape
        window = window_fields(call, self._window(call))
        del window["out_channels"]
        form = "dense_dsp" if dsp.DENSE in call.features else "dsp"
        return Kernel(
            f"ec_depthwise_conv2d_s8_{form}",
            {**window, "input_zero": i32(call.ins[0].q.z), **products},
            scratch=dsp.ADDRESS * kh * (kw + 1) + channels,
            needs=dsp.taps_files(call.features),
            feature="dsp",
        )

    def macs(self, call: Call) -> int:
        kh, kw, _ = call.ins[1].shape
        return call.outs[0].size * kh * kw

    def _window(self, call: Call) -> Window2d:
        return Window2d.of(call, call.ins[1].shape[:2])

    def _convolve(self, call: Call, x: np.ndarray, w: np.ndarray, dtype: np.dtype) -> np.ndarray:
        """Products summed over the taps, taps outside the image being 0: [N,OH,OW,C*m]."""
        patches = self._window(call).patches(x, 0)
        c, (kh, kw, outputs) = x.shape[3], w.shape
        acc = np.zeros((*patches.shape[:3], c, outputs // c), dtype)
        for i in range(kh):
            for j in range(kw):
                acc += patches[:, :, :, i, j, :, None] * w[i, j].reshape(c, -1)
        return acc.reshape(*patches.shape[:3], outputs)

    def _multipliers(self, call: Call) -> tuple[np.ndarray, np.ndarray]:
        scale = np.array(call.ins[1].q.scale) * call.ins[0].q.s / call.outs[0].q.s
        return quantize_multipliers(np.broadcast_to(scale, call.ins[1].shape[2]))
