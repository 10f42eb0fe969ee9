"""Bilinear resize of images."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from edgec.ir import TensorType
from edgec.ops import neon
from edgec.ops.base import Call, Op, OpError, QuantRule, Rows
from edgec.ops.fixed import I64
from edgec.ops.kernel import Kernel, i32


class _Line(NamedTuple):
    """For every output line or column: the pixels around it, and how far it is behind the first."""

    before: np.ndarray
    behind: np.ndarray
    weight: np.ndarray


class ResizeBilinear(Op):
    """x [N,H,W,C] -> [N,*size,C]. Attributes: size (height, width), half_pixel, align_corners.

    Integer: TFLM RESIZE_BILINEAR, positions in 1/1024 of a pixel. The quantization stays.
    """

    name = "resize_bilinear"

    def infer(self, call: Call) -> list[TensorType]:
        x, size = call.ins[0], call.ints("size")
        if len(x.shape) != 4 or len(size) != 2 or min(size) < 1:
            raise OpError(f"cannot resize {x.shape} to {size}")
        if _flag(call, "half_pixel") and _flag(call, "align_corners"):
            raise OpError("half_pixel and align_corners exclude each other")
        if max(*size, *x.shape[1:3]) > 2**20:
            raise OpError(f"an image of {x.shape} is too large")
        return [TensorType((x.shape[0], *size, x.shape[3]), layout=x.layout)]

    def rows(self, call: Call) -> tuple[Rows | None, ...]:
        n, height = call.ins[0].shape[:2]
        line = _line(call, 0)
        base = np.repeat(np.arange(n) * height, call.outs[0].shape[1])
        return (Rows(np.tile(line.before, n) + base, np.tile(line.behind, n) + base),)

    def float_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        y, x = positions(call, 0), positions(call, 1)
        return _blend(xs[0].astype(np.float64), y, x, 1).astype(np.float32)

    def integer_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        s = _blend(xs[0].astype(I64), _line(call, 0), _line(call, 1), 1024)
        rounded = (np.abs(s) + (1 << 19)) >> 20
        return (np.sign(s) * rounded).astype(call.outs[0].dtype.numpy)

    def quantization(self, call: Call) -> QuantRule:
        return QuantRule(output="same")

    def kernel(self, call: Call) -> Kernel:
        x, y = call.ins[0].shape, call.outs[0].shape
        (scale_y, offset_y), (scale_x, offset_x) = _steps(call, 0), _steps(call, 1)
        fields = {
            "height": x[1],
            "width": x[2],
            "channels": x[3],
            "out_height": y[1],
            "out_width": y[2],
            "scale_y": scale_y,
            "scale_x": scale_x,
            "offset_y": offset_y,
            "offset_x": offset_x,
        }
        return neon.same(call, Kernel("ec_resize_bilinear_s8", {k: i32(v) for k, v in fields.items()}))


def _flag(call: Call, key: str) -> bool:
    return bool(call.attrs.get(key, False))


def _sizes(call: Call, axis: int) -> tuple[int, int, bool]:
    """Input size, output size, whether the corners are aligned along the axis."""
    out = call.ints("size")[axis]
    return call.ins[0].shape[1 + axis], out, _flag(call, "align_corners") and out > 1


def _steps(call: Call, axis: int) -> tuple[int, int]:
    """Output pixel i is at (i * scale + offset) / 1024."""
    size, out, aligned = _sizes(call, axis)
    size, out = (size - 1, out - 1) if aligned else (size, out)
    scale = (1024 * size + out // 2) // out
    return scale, scale // 2 - 512 if _flag(call, "half_pixel") else 0


def _line(call: Call, axis: int) -> _Line:
    scale, offset = _steps(call, axis)
    size = call.ins[0].shape[1 + axis]
    at = np.clip(np.arange(call.ints("size")[axis]) * scale + offset, 0, (size - 1) * 1024)
    return _Line(at // 1024, (at + 1023) // 1024, at % 1024)


def positions(call: Call, axis: int) -> _Line:
    """Where the output lines (axis 0) or columns (axis 1) lie in the input, in real numbers."""
    size, out, aligned = _sizes(call, axis)
    i = np.arange(out)
    at = i * (size - 1) / (out - 1) if aligned else i * size / out
    if _flag(call, "half_pixel"):
        at = (i + 0.5) * size / out - 0.5
    at = np.clip(at, 0, size - 1)
    before = np.floor(at).astype(int)
    return _Line(before, np.minimum(before + 1, size - 1), at - before)


def _blend(x: np.ndarray, y: _Line, z: _Line, one: int) -> np.ndarray:
    """Both axes blended; weights are in units of 1 / one."""
    v, h = y.weight[None, :, None, None], z.weight[None, None, :, None]
    above, below = x[:, y.before], x[:, y.behind]
    top = above[:, :, z.before] * (one - h) + above[:, :, z.behind] * h
    bottom = below[:, :, z.before] * (one - h) + below[:, :, z.behind] * h
    return top * (one - v) + bottom * v
