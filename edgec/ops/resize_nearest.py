"""Nearest-neighbour resizing of an image."""

from __future__ import annotations

import numpy as np

from edgec.ir import TensorType
from edgec.ops.base import Call, Op, OpError, QuantRule, Rows
from edgec.ops.kernel import Kernel, i32, table


class ResizeNearest(Op):
    """x [N,H,W,C] -> [N,OH,OW,C]. Attributes: size (OH, OW), half_pixel, align_corners.

    Output pixel i is input pixel floor((i + 0.5 if half_pixel) * H/OH); with align_corners it is
    i * (H-1)/(OH-1), rounded half away. The factor is float32, as TFLM has it.
    """

    name = "resize_nearest"

    def infer(self, call: Call) -> list[TensorType]:
        x, size = call.ins[0], call.ints("size")
        if len(x.shape) != 4 or len(size) != 2 or min(size) < 1 or not x.size:
            raise OpError(f"an input of {x.shape} cannot be resized to {size}")
        return [TensorType((x.shape[0], *size, x.shape[3]), layout=x.layout)]

    def rows(self, call: Call) -> tuple[Rows | None, ...]:
        n, h, _, _ = call.ins[0].shape
        lines = np.concatenate([self._source(call, 0) + k * h for k in range(n)])
        return (Rows(lines, lines),)

    def float_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        return xs[0][:, self._source(call, 0)][:, :, self._source(call, 1)]

    def integer_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        return self.float_reference(call, *xs)

    def quantization(self, call: Call) -> QuantRule:
        return QuantRule(output="same", wide=(0,), wide_output=True)

    def kernel(self, call: Call) -> Kernel:
        _, h, _, c = call.ins[0].shape
        return Kernel(
            "ec_resize_nearest",
            {
                "height": i32(h),
                "out_height": i32(call.outs[0].shape[1]),
                "out_width": i32(call.outs[0].shape[2]),
                "pixel": i32(c * call.ins[0].dtype.bytes),
                "lines": table(self._source(call, 0).astype(np.int32), "int32_t"),
                "columns": table(self._source(call, 1).astype(np.int32), "int32_t"),
            },
        )

    def _source(self, call: Call, axis: int) -> np.ndarray:
        """The input line (axis 0) or column (axis 1) of every output line or column."""
        n, m = call.ins[0].shape[1 + axis], call.ints("size")[axis]
        corners = bool(call.attrs.get("align_corners", False)) and m > 1
        factor = np.float32(n - 1) / np.float32(m - 1) if corners else np.float32(n) / np.float32(m)
        offset = np.float32(0.5 if call.attrs.get("half_pixel", False) else 0.0)
        at = (np.arange(m, dtype=np.float32) + offset) * factor
        index = np.floor(at + np.float32(0.5)) if call.attrs.get("align_corners", False) else np.floor(at)
        return np.clip(index.astype(np.int64), 0, n - 1)
