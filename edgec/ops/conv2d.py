"""2-D convolution, with groups, dilation and a fused activation."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from edgec.ir import TensorType
from edgec.ops import coded, dsp, mve, neon
from edgec.ops.base import Call, Op, OpError, QuantRule, Rows
from edgec.ops.fixed import int_matmul, quantize_multipliers, requantize
from edgec.ops.floats import apply_activation
from edgec.ops.forms import form_of
from edgec.ops.kernel import Kernel, i32, table
from edgec.ops.quantized import channel_fields, folded_bias, limits, saturate
from edgec.ops.windows2d import Window2d

_FILLED = 1.35
"""Kernel rows are filled up each as long as this makes no more than so many times the taps."""

MatMul = Callable[[np.ndarray, np.ndarray], np.ndarray]


class Conv2d(Op):
    """x [N,H,W,C], w [O,KH,KW,C/groups], optional b [O] -> [N,OH,OW,O].

    Attributes: stride, padding (top, left, bottom, right), dilation, groups, activation.
    Integer: TFLM CONV_2D.
    """

    name = "conv2d"

    def infer(self, call: Call) -> list[TensorType]:
        x, w, groups = call.ins[0].shape, call.ins[1].shape, call.int("groups", 1)
        if len(w) != 4 or len(x) != 4 or groups < 1 or w[3] * groups != x[3] or w[0] % groups:
            raise OpError(f"weights {w} in {groups} groups do not fit an input of {x}")
        oh, ow = self._window(call).output(x[1], x[2])
        return [TensorType((x[0], oh, ow, w[0]), layout=call.ins[0].layout)]

    def rows(self, call: Call) -> tuple[Rows | None, ...]:
        return (self._window(call).rows(call), None, None)[: len(call.ins)]

    def overwrites(self, call: Call) -> tuple[int, ...]:
        # A pixel's taps are gathered before it is written. So all is well where no later pixel
        # of the row needs them: a row of one pixel, or windows that neither overlap nor leave
        # columns over. Some kernels that take weights apart compute some channels of the whole row at a time.
        if form_of(call.attrs) is not None and coded.by_channels(self.kernel(call)):
            return ()
        window, width = self._window(call), call.ins[0].shape[2]
        apart = all(e <= s for e, s in zip(window.extent, window.stride, strict=True))
        tiled = apart and not any(window.padding) and width == call.outs[0].shape[2] * window.stride[1]
        return (0,) if tiled or call.outs[0].shape[2] == 1 else ()

    def float_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        x, w, *b = xs
        y = self._convolve(call, x, w, np.matmul) + (b[0] if b else np.float32(0))
        return apply_activation(call.str("activation", ""), y.astype(np.float32))

    def integer_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        x, w, *b = xs
        acc = self._convolve(call, x.astype(np.int16) - np.int16(call.ins[0].q.z), w, int_matmul)
        acc = acc + (b[0].astype(np.int64) if b else 0)
        y = requantize(acc, *self._multipliers(call)) + call.outs[0].q.z
        return saturate(call, y)

    def quantization(self, call: Call) -> QuantRule:
        return QuantRule(constants={1: "channel:0", 2: "bias"})

    def kernel(self, call: Call) -> Kernel:
        return coded.conv2d(call, self._kernel)

    def _kernel(self, call: Call) -> Kernel:
        (_, kh, kw, c), groups = call.ins[1].shape, call.int("groups", 1)
        mantissa, shift = self._multipliers(call)
        if (helium := mve.conv2d(call, self._window(call), (mantissa, shift))) is not None:
            return helium
        bias = folded_bias(call, call.const(1).astype(np.int64).sum(axis=(1, 2, 3)))
        lo, hi = limits(call)
        if dsp.is_dsp(call.features) and (found := self._dsp(call, bias)) is not None:
            return found
        direct = groups == 1 and self._window(call).lies_in_rows(call)
        plain = Kernel(
            "ec_conv2d_s8",
            {
                **channel_fields(call, self._window(call)),
                "groups": i32(groups),
                "direct": i32(direct),
                "input_zero": i32(call.ins[0].q.z),
                "output_zero": i32(call.outs[0].q.z),
                "lo": i32(lo),
                "hi": i32(hi),
                "weights": table(call.const(1), "int8_t"),
                "bias": table(bias, "int32_t"),
                "multiplier": table(mantissa, "int32_t"),
                "shift": table(shift, "int8_t"),
            },
            scratch=0 if direct else kh * kw * c * groups,
            copies=kw * c if direct else 0,
            block=call.block or 1 if call.outs[0].shape[2] == 1 else 1,
        )
        return neon.conv2d(call, plain)

    def _dsp(self, call: Call, bias: np.ndarray) -> Kernel | None:
        """The kernel for the DSP extension, two pixels at a time; one where blocks of one row are asked for.

        None where its arithmetic does not hold.
        """
        window, (o, kh, kw, c), y = self._window(call), call.ins[1].shape, call.outs[0]
        if call.int("groups", 1) > 1 or window.dilation[1] > 1:
            return None
        weights = call.const(1).reshape(o, kh, kw * c)
        row, flat = dsp.padded(kw * c), dsp.padded(kh * kw * c)
        by_row = kw * c >= 4 and kh * row <= _FILLED * flat
        if by_row:
            weights = np.pad(weights, ((0, 0), (0, 0), (0, row - kw * c)))
        flat = kh * row if by_row else flat
        numbers = (self._multipliers(call), y.q.z, limits(call))
        products = dsp.product_fields(call.features, weights.reshape(o, -1), bias, *numbers)
        if products is None:
            return None
        fields = channel_fields(call, window)
        del fields["dilation_w"]
        together = 1 if call.block == 1 else call.int(dsp.TOGETHER, 2)
        given = {
            "taps": i32(flat),
            "row_taps": i32(row if by_row else 0),
            "together": i32(together),
            "input_zero": i32(call.ins[0].q.z),
        }
        pairs, spare = (together + 1) // 2, row if by_row else flat
        columns = flat if together == 1 else pairs * (4 * flat + 8) + spare
        made = Kernel(
            "ec_conv2d_s8_dsp",
            {**fields, **given, **products},
            scratch=min(together, 2) * dsp.ADDRESS * kh + columns,
            needs=dsp.files(call.features),
            feature="dsp",
            block=call.block or 2 if y.shape[2] == 1 and y.rows > 1 else 1,
            together=together,
        )
        return dsp.shared(made, call)

    def macs(self, call: Call) -> int:
        return call.outs[0].size * math.prod(call.ins[1].shape[1:])

    def _window(self, call: Call) -> Window2d:
        return Window2d.of(call, call.ins[1].shape[1:3])

    def _convolve(self, call: Call, x: np.ndarray, w: np.ndarray, matmul: MatMul) -> np.ndarray:
        """Products summed over the taps, taps outside the image being 0: [N,OH,OW,O]."""
        patches = self._window(call).patches(x, 0)
        groups, (o, kh, kw, c) = call.int("groups", 1), w.shape
        parts = []
        for g in range(groups):
            columns = patches[..., g * c : (g + 1) * c].reshape(-1, kh * kw * c)
            parts.append(
                matmul(columns, w[g * (o // groups) : (g + 1) * (o // groups)].reshape(-1, kh * kw * c).T)
            )
        return np.concatenate(parts, axis=1).reshape(*patches.shape[:3], o)

    def _multipliers(self, call: Call) -> tuple[np.ndarray, np.ndarray]:
        scale = np.array(call.ins[1].q.scale) * call.ins[0].q.s / call.outs[0].q.s
        return quantize_multipliers(np.broadcast_to(scale, call.ins[1].shape[0]))
