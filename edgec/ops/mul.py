"""Product of two tensors, element by element."""

from __future__ import annotations

import numpy as np

from edgec.ir import DType
from edgec.ops import neon
from edgec.ops.base import Call, QuantRule
from edgec.ops.binary import Binary, binary_fields, for_dsp, signed
from edgec.ops.fixed import quantize_multiplier, requantize
from edgec.ops.floats import apply_activation
from edgec.ops.kernel import Field, Kernel, i32
from edgec.ops.quantized import limits, saturate


class Mul(Binary):
    """a * b with numpy broadcasting; either operand may be constant. Attribute: activation.

    Integer: TFLM MUL. Operands and result may be int8 or int16; the product of two int16
    operands is divided by 16, rounded half up, to have 31 bits.
    """

    name = "mul"

    def float_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        return apply_activation(call.str("activation", ""), (xs[0] * xs[1]).astype(np.float32))

    def integer_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        shift = self._product_shift(call)
        product = signed(xs[0], call.ins[0]) * signed(xs[1], call.ins[1])
        product = (product + ((1 << shift) >> 1)) >> shift
        return saturate(call, requantize(product, *self._multiplier(call)) + call.outs[0].q.z)

    def quantization(self, call: Call) -> QuantRule:
        constants = {k: "activation" for k in range(2) if call.consts[k] is not None}
        return QuantRule(constants=constants, wide=(0, 1), wide_output=True)

    def kernel(self, call: Call) -> Kernel:
        mantissa, shift = self._multiplier(call)
        fields = binary_fields(call)
        if for_dsp(call, fields) and (members := self._dsp_members(call)) is not None:
            return Kernel("ec_mul_dsp", fields | members, feature="dsp")
        fields |= {"product_shift": i32(self._product_shift(call))}
        fields |= {"y_multiplier": i32(mantissa), "y_shift": i32(shift)}
        return neon.same(call, Kernel("ec_mul", fields))

    def _dsp_members(self, call: Call) -> dict[str, Field] | None:
        """What ec_mul_dsp.h wants to know; None where it does not do such a call."""
        y, (mantissa, shift) = call.outs[0], self._multiplier(call)
        if self._product_shift(call) or not -31 <= shift < 0 or limits(call) != y.dtype.limits:
            return None
        swapped = call.ins[1].dtype == DType.I16
        (x, z) = call.ins[::-1] if swapped else call.ins
        return {
            "swapped": i32(swapped),
            "doubled": i32(2 * x.q.z),
            "z_zero": i32(z.q.z),
            "y_multiplier": i32(mantissa),
            "y_shift": i32(-shift - 1),
            "y_offset": i32(1 + 2 * y.q.z),
        }

    def _product_shift(self, call: Call) -> int:
        return 4 if all(t.dtype == DType.I16 for t in call.ins) else 0

    def _multiplier(self, call: Call) -> tuple[int, int]:
        real = call.ins[0].q.s * call.ins[1].q.s / call.outs[0].q.s
        return quantize_multiplier(real * 2 ** self._product_shift(call))
