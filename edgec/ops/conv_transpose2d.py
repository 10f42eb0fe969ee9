"""Transposed 2-D convolution, with groups, dilation and a fused activation."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from edgec.ir import TensorType
from edgec.ops import neon
from edgec.ops.base import Call, Op, OpError, QuantRule, Rows
from edgec.ops.fixed import I64, int_matmul, quantize_multipliers, requantize
from edgec.ops.floats import apply_activation
from edgec.ops.kernel import Kernel, i32, table
from edgec.ops.quantized import limits, saturate, window_fields
from edgec.ops.windows2d import Window2d


class ConvTranspose2d(Op):
    """x [N,H,W,C], w [O,KH,KW,C/groups], optional b [O] -> [N,OH,OW,O].

    OH = (H-1)*stride + (KH-1)*dilation + 1 + output_padding - top - bottom. Attributes:
    stride, padding (top, left, bottom, right), output_padding, dilation, groups, activation.

    Integer: TFLM TRANSPOSE_CONV.
    """

    name = "conv_transpose2d"

    def infer(self, call: Call) -> list[TensorType]:
        x, w, groups = call.ins[0].shape, call.ins[1].shape, call.int("groups", 1)
        if len(w) != 4 or len(x) != 4 or groups < 1 or w[3] * groups != x[3] or w[0] % groups:
            raise OpError(f"weights {w} in {groups} groups do not fit an input of {x}")
        size = tuple(full - cut for full, cut in zip(_full(call), _cut(call), strict=True))
        if min(size) < 1:
            raise OpError(f"nothing is left of an output of {_full(call)} less the padding")
        return [TensorType((x[0], *size, w[0]), layout=call.ins[0].layout)]

    def rows(self, call: Call) -> tuple[Rows | None, ...]:
        n, height = call.ins[0].shape[:2]
        oh, window = call.outs[0].shape[1], _window(call)
        last = np.arange(oh) + window.padding[0]
        first = last - (window.extent[0] - 1)
        low = np.maximum(-(-first // window.stride[0]), 0)
        high = np.minimum(last // window.stride[0], height - 1)
        base = np.repeat(np.arange(n) * height, oh)
        return (Rows(np.tile(low, n) + base, np.tile(high, n) + base), None, None)[: len(call.ins)]

    def float_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        x, w, *b = xs
        y = _scatter(call, x, w, np.matmul) + (b[0] if b else np.float32(0))
        return apply_activation(call.str("activation", ""), y.astype(np.float32))

    def integer_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        x, w, *b = xs
        acc = _scatter(call, x.astype(I64) - call.ins[0].q.z, w.astype(I64), int_matmul)
        acc = acc + (b[0].astype(I64) if b else 0)
        return saturate(call, requantize(acc, *_multipliers(call)) + call.outs[0].q.z)

    def quantization(self, call: Call) -> QuantRule:
        return QuantRule(constants={1: "channel:0", 2: "bias"})

    def kernel(self, call: Call) -> Kernel:
        o, c, groups = call.ins[1].shape[0], call.ins[1].shape[3], call.int("groups", 1)
        mantissa, shift = _multipliers(call)
        lo, hi = limits(call)
        bias = call.const(2) if call.has(2) else np.zeros(o, np.int32)
        plain = Kernel(
            "ec_conv_transpose2d_s8",
            {
                **window_fields(call, _window(call)),
                "groups": i32(groups),
                "input_zero": i32(call.ins[0].q.z),
                "output_zero": i32(call.outs[0].q.z),
                "lo": i32(lo),
                "hi": i32(hi),
                "weights": table(np.ascontiguousarray(call.const(1).transpose(1, 2, 0, 3)), "int8_t"),
                "bias": table(bias.astype(np.int32), "int32_t"),
                "multiplier": table(mantissa, "int32_t"),
                "shift": table(shift, "int8_t"),
            },
            scratch=-(-(4 * (o + o // groups) + 2 * c) // 8) * 8,
            needs=("ec_wide",),
        )
        return neon.same(call, plain)

    def macs(self, call: Call) -> int:
        return math.prod(call.ins[0].shape[:3]) * math.prod(call.ins[1].shape)


def _window(call: Call) -> Window2d:
    return Window2d.of(call, call.ins[1].shape[1:3])


def _full(call: Call) -> tuple[int, ...]:
    """Height and width before the padding is cut off."""
    window, extra = _window(call), call.ints("output_padding", (0, 0))
    sizes = zip(call.ins[0].shape[1:3], window.stride, window.extent, extra, strict=True)
    return tuple((n - 1) * s + e + p for n, s, e, p in sizes)


def _cut(call: Call) -> tuple[int, int]:
    """Lines and columns that the padding takes away."""
    top, left, bottom, right = _window(call).padding
    return top + bottom, left + right


def _scatter(
    call: Call, x: np.ndarray, w: np.ndarray, matmul: Callable[[np.ndarray, np.ndarray], np.ndarray]
) -> np.ndarray:
    """Every input pixel's products added where they belong: [N,OH,OW,O]."""
    window, groups = _window(call), call.int("groups", 1)
    o, kh, kw, c = w.shape
    n, height, width, _ = x.shape
    (sh, sw), (dh, dw) = window.stride, window.dilation
    y = np.zeros((n, *_full(call), o), np.float64 if x.dtype == np.float32 else I64)
    per = o // groups
    for g in range(groups):
        part = x[..., g * c : (g + 1) * c]
        for i in range(kh):
            for j in range(kw):
                taps = w[g * per : (g + 1) * per, i, j]
                lines = slice(i * dh, i * dh + (height - 1) * sh + 1, sh)
                columns = slice(j * dw, j * dw + (width - 1) * sw + 1, sw)
                y[:, lines, columns, g * per : (g + 1) * per] += matmul(part, taps.T)
    top, left, *_ = window.padding
    oh, ow = (full - cut for full, cut in zip(_full(call), _cut(call), strict=True))
    return y[:, top : top + oh, left : left + ow]


def _multipliers(call: Call) -> tuple[np.ndarray, np.ndarray]:
    scale = np.array(call.ins[1].q.scale) * call.ins[0].q.s / call.outs[0].q.s
    return quantize_multipliers(np.broadcast_to(scale, call.ins[1].shape[0]))
