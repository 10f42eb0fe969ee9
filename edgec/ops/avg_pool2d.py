"""Average pooling."""

from __future__ import annotations

import numpy as np

from edgec.ops import neon
from edgec.ops.base import Call
from edgec.ops.floats import apply_activation
from edgec.ops.kernel import Kernel, i32
from edgec.ops.pool import Pool2d
from edgec.ops.quantized import limits, saturate, window_fields


class AvgPool2d(Pool2d):
    """The mean of every window's taps inside the image: x [N,H,W,C] -> [N,OH,OW,C].

    Attributes: kernel, stride, padding (top, left, bottom, right), activation;
    count_include_pad: taps outside count as zeros.
    Integer: TFLM AVERAGE_POOL_2D, input and output in the same quantization.
    """

    name = "avg_pool2d"

    def float_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        total = self.window(call).patches(xs[0].astype(np.float64), 0).sum(axis=(3, 4))
        y = (total / self._counts(call)).astype(np.float32)
        return apply_activation(call.str("activation", ""), y)

    def integer_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        fill = call.ins[0].q.z if self._include_pad(call) else 0
        total = self.window(call).patches(xs[0].astype(np.int32), fill).sum(axis=(3, 4))
        count = self._counts(call)
        magnitude = (np.abs(total) + count // 2) // count
        return saturate(call, np.where(total < 0, -magnitude, magnitude))

    def kernel(self, call: Call) -> Kernel:
        lo, hi = limits(call)
        fields = window_fields(call, self.window(call))
        padded = i32(call.ins[0].q.z if self._include_pad(call) else 0)
        include = i32(self._include_pad(call))
        fields |= {"include_pad": include, "pad_value": padded, "lo": i32(lo), "hi": i32(hi)}
        return neon.same(call, Kernel("ec_avg_pool2d_s8", fields))

    def _include_pad(self, call: Call) -> bool:
        return bool(call.attrs.get("count_include_pad", False))

    def _counts(self, call: Call) -> np.ndarray:
        """Taps that count, [1,OH,OW,1]; 1 where there is none."""
        _, h, w, _ = call.ins[0].shape
        ones = np.ones((1, h, w, 1), np.int32)
        count = self.window(call).patches(ones, int(self._include_pad(call))).sum(axis=(3, 4))
        return np.maximum(count, 1)
