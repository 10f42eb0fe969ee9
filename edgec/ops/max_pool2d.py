"""Maximum pooling."""

from __future__ import annotations

import numpy as np

from edgec.ops import neon
from edgec.ops.base import Call
from edgec.ops.floats import apply_activation
from edgec.ops.kernel import Kernel, i32
from edgec.ops.pool import Pool2d
from edgec.ops.quantized import limits, saturate, window_fields


class MaxPool2d(Pool2d):
    """The largest of every window's taps inside the image: x [N,H,W,C] -> [N,OH,OW,C].

    Attributes: kernel, stride, padding (top, left, bottom, right), dilation, activation.
    Integer: TFLM MAX_POOL_2D, input and output in the same quantization.
    """

    name = "max_pool2d"

    def float_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        y = self.window(call).patches(xs[0], -np.inf).max(axis=(3, 4))
        return apply_activation(call.str("activation", ""), y.astype(np.float32))

    def integer_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        lowest = call.ins[0].dtype.limits[0]
        return saturate(call, self.window(call).patches(xs[0], lowest).max(axis=(3, 4)))

    def kernel(self, call: Call) -> Kernel:
        lo, hi = limits(call)
        fields = window_fields(call, self.window(call)) | {"lo": i32(lo), "hi": i32(hi)}
        return neon.same(call, Kernel("ec_max_pool2d_s8", fields))
