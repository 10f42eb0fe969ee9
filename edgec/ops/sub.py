"""Difference of two tensors."""

from __future__ import annotations

import numpy as np

from edgec.ops.add import Add
from edgec.ops.base import Call
from edgec.ops.fixed import quantize_multiplier


class Sub(Add):
    """a - b with numpy broadcasting; either operand may be constant. Attribute: activation.

    Integer: TFLM SUB, which is ADD with the second operand taken away and with factors
    worked out in float32.
    """

    name = "sub"
    subtract = True

    def _multipliers(self, call: Call) -> list[tuple[int, int]]:
        a, b, y = (np.float32(t.q.s) for t in (*call.ins, *call.outs))
        common = np.float32(2) * max(a, b)
        reals = [a / common, b / common, common / (np.float32(2 ** self._left_shift(call)) * y)]
        return [quantize_multiplier(float(r)) for r in reals]
