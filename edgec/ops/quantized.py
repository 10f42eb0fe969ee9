"""Integer helpers that several ops share."""

from __future__ import annotations

import numpy as np

from edgec.ops.base import Call, OpError
from edgec.ops.fixed import activation_limits, quantize_multiplier, requantize
from edgec.ops.kernel import Field, i32
from edgec.ops.windows2d import Window2d


def limits(call: Call) -> tuple[int, int]:
    """The clamp range of a call's result with its fused activation."""
    y = call.outs[0]
    return activation_limits(call.str("activation", ""), y.q.s, y.q.z, *y.dtype.limits)


def saturate(call: Call, y: np.ndarray) -> np.ndarray:
    """y (zero point included) clamped by the fused activation, in the result's type."""
    lo, hi = limits(call)
    result: np.ndarray = np.clip(y, lo, hi).astype(call.outs[0].dtype.numpy)
    return result


FINE = 10
"""Bits that `rescale` adds before it multiplies, so that its first rounding does not show."""


def rescale(x: np.ndarray, real: float) -> np.ndarray:
    """x * real to the nearest integer for |x| < 2**17; exact where real is 1."""
    return requantize(x << FINE, *rescale_multiplier(real))


def rescale_multiplier(real: float) -> tuple[int, int]:
    """Mantissa and shift that `rescale` uses."""
    return quantize_multiplier(real / 2**FINE)


def window_fields(call: Call, window: Window2d) -> dict[str, Field]:
    """The members that every kernel with a sliding window begins with."""
    _, height, width, channels = call.ins[0].shape
    _, out_height, out_width, out_channels = call.outs[0].shape
    return {
        "height": i32(height),
        "width": i32(width),
        "channels": i32(channels),
        "out_height": i32(out_height),
        "out_width": i32(out_width),
        "out_channels": i32(out_channels),
        "kernel_h": i32(window.kernel[0]),
        "kernel_w": i32(window.kernel[1]),
        "stride_h": i32(window.stride[0]),
        "stride_w": i32(window.stride[1]),
        "pad_top": i32(window.padding[0]),
        "pad_left": i32(window.padding[1]),
        "dilation_h": i32(window.dilation[0]),
        "dilation_w": i32(window.dilation[1]),
    }


def channel_fields(call: Call, window: Window2d) -> dict[str, Field]:
    """The same for a convolution, which may compute some of the channels only."""
    found = dict[str, Field]()
    for name, value in window_fields(call, window).items():
        found[name] = value
        if name == "out_channels":
            found["outputs"] = value
    return found


def folded_bias(call: Call, weight_sums: np.ndarray) -> np.ndarray:
    """The bias with the input's zero point folded in, int32 [outputs].

    weight_sums: int64, the sum of every output's weights. Raises OpError beyond 32 bits.
    """
    bias = call.const(2).astype(np.int64) if call.has(2) else np.int64(0)
    folded = bias - call.ins[0].q.z * weight_sums
    if np.abs(folded).max(initial=0) >= 2**31:
        raise OpError("the bias does not fit 32 bits at the scale of input and weights")
    return folded.astype(np.int32)
