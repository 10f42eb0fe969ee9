"""The larger of two tensors' elements."""

from __future__ import annotations

import numpy as np

from edgec.ops import neon
from edgec.ops.base import Call, QuantRule
from edgec.ops.binary import Binary, binary_fields, signed
from edgec.ops.kernel import Kernel, i32
from edgec.ops.quantized import FINE, rescale, rescale_multiplier, saturate


class Maximum(Binary):
    """max(a, b) with numpy broadcasting; either operand may be constant.

    Integer: both are brought to the result's scale, then compared. Where all
    three quantizations are equal this is TFLM MAXIMUM.
    """

    name = "maximum"
    minimum = False

    def float_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        choose = np.minimum if self.minimum else np.maximum
        return choose(xs[0], xs[1]).astype(np.float32)

    def integer_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        a, b = (rescale(signed(x, t), t.q.s / call.outs[0].q.s) for x, t in zip(xs, call.ins, strict=True))
        return saturate(call, (np.minimum(a, b) if self.minimum else np.maximum(a, b)) + call.outs[0].q.z)

    def quantization(self, call: Call) -> QuantRule:
        constants = {k: "activation" for k in range(2) if call.consts[k] is not None}
        return QuantRule(constants=constants, wide=(0, 1), wide_output=True)

    def kernel(self, call: Call) -> Kernel:
        fields = binary_fields(call) | {"minimum": i32(self.minimum), "left_shift": i32(FINE)}
        for x, t in zip("ab", call.ins, strict=True):
            mantissa, shift = rescale_multiplier(t.q.s / call.outs[0].q.s)
            fields |= {f"{x}_multiplier": i32(mantissa), f"{x}_shift": i32(shift)}
        return neon.same(call, Kernel("ec_maximum", fields))
