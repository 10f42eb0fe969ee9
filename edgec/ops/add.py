"""Sum and difference of two tensors."""

from __future__ import annotations

import numpy as np

from edgec.ir import DType
from edgec.ops import mve, neon
from edgec.ops.base import Call, QuantRule
from edgec.ops.binary import Binary, binary_fields, for_dsp, signed
from edgec.ops.fixed import quantize_multiplier, requantize
from edgec.ops.floats import apply_activation
from edgec.ops.kernel import Field, Kernel, i32
from edgec.ops.quantized import limits, saturate


class Add(Binary):
    """a + b with numpy broadcasting; either operand may be constant. Attribute: activation.

    Integer: TFLM ADD, with a left shift of 15 instead of 20 where an operand is int16.
    Operands and result may be int8 or int16.
    """

    name = "add"
    subtract = False

    def float_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        y = xs[0] - xs[1] if self.subtract else xs[0] + xs[1]
        return apply_activation(call.str("activation", ""), y.astype(np.float32))

    def integer_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        (ma, sa), (mb, sb), (my, sy) = self._multipliers(call)
        left = self._left_shift(call)
        a = requantize(signed(xs[0], call.ins[0]) << left, ma, sa)
        b = requantize(signed(xs[1], call.ins[1]) << left, mb, sb)
        total = a - b if self.subtract else a + b
        return saturate(call, requantize(total, my, sy) + call.outs[0].q.z)

    def quantization(self, call: Call) -> QuantRule:
        constants = {k: "activation" for k in range(2) if call.consts[k] is not None}
        return QuantRule(constants=constants, wide=(0, 1), wide_output=True)

    def kernel(self, call: Call) -> Kernel:
        helium = mve.add(call, self._left_shift(call), self._multipliers(call))
        if helium is not None and not self.subtract:
            return helium
        fields = binary_fields(call)
        if for_dsp(call, fields) and (members := self._dsp_members(call)) is not None:
            return Kernel("ec_add_dsp", fields | members, feature="dsp")
        fields |= {"left_shift": i32(self._left_shift(call)), "subtract": i32(self.subtract)}
        for x, (mantissa, shift) in zip("aby", self._multipliers(call), strict=True):
            fields |= {f"{x}_multiplier": i32(mantissa), f"{x}_shift": i32(shift)}
        return neon.add(call, Kernel("ec_add", fields))

    def _dsp_members(self, call: Call) -> dict[str, Field] | None:
        """What ec_add_dsp.h wants to know; None where it does not do such a call."""
        (a, b), y, left = call.ins, call.outs[0], self._left_shift(call)
        *inner, (my, sy) = self._multipliers(call)
        wide = [t.dtype == DType.I16 for t in (a, b, y)]
        whole = limits(call) == y.dtype.limits and not self.subtract
        swapped = inner[0] != (1 << 30, 0)
        (x, z) = (b, a) if swapped else (a, b)
        (half, (mz, sz)) = inner[::-1] if swapped else inner
        if half != (1 << 30, 0) or not -31 <= sz < 0 or not -31 <= sy < 0:
            return None
        if any(wide) and not (whole and wide[2] and all(t.q.z == 0 for t in (a, b) if t.dtype == DType.I16)):
            return None
        return {
            "swapped": i32(swapped),
            "sign": i32(0 if not self.subtract else 2 if swapped else 1),
            "x_zero": i32((x.q.z << left) - 1),
            "z_zero": i32(z.q.z << (left + 1)),
            "z_multiplier": i32(mz),
            "z_shift": i32(-sz - 1),
            "y_multiplier": i32(my),
            "y_shift": i32(-sy - 1),
            "y_offset": i32(1 + 2 * y.q.z),
        }

    def _left_shift(self, call: Call) -> int:
        # An operand less its zero point has 8 or 17 bits; 31 are left for it.
        return 15 if any(t.dtype == DType.I16 for t in call.ins) else 20

    def _multipliers(self, call: Call) -> list[tuple[int, int]]:
        a, b, y = call.ins[0].q.s, call.ins[1].q.s, call.outs[0].q.s
        common = 2 * max(a, b)
        reals = [a / common, b / common, common / (2 ** self._left_shift(call) * y)]
        return [quantize_multiplier(r) for r in reals]
