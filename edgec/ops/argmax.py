"""Index of the largest element along an axis."""

from __future__ import annotations

import numpy as np

from edgec.ir import DType, TensorType
from edgec.ops.base import Call, QuantRule
from edgec.ops.kernel import Kernel, i32, table
from edgec.ops.mean import Sum


class ArgMax(Sum):
    """The index of the maximum along `axis`, the first of equals: i32. Attribute: keepdims.

    Integer: TFLM ARG_MAX.
    """

    name = "argmax"

    def infer(self, call: Call) -> list[TensorType]:
        return [t.with_(dtype=DType.I32) for t in super().infer(call)]

    def float_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        y = np.argmax(xs[0], axis=call.int("axis"))
        return np.asarray(y, np.int32).reshape(call.outs[0].shape)

    def integer_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        return self.float_reference(call, *xs)

    def quantization(self, call: Call) -> QuantRule:
        return QuantRule(out_dtype=DType.I32)

    def kernel(self, call: Call) -> Kernel:
        kept, reduced = self._loops(call)
        count, step_row, step_column = reduced[-1]
        return Kernel(
            "ec_argmax_s8",
            {
                "length": i32(call.outs[0].row_size),
                "count": i32(count),
                "step_row": i32(step_row),
                "step_column": i32(step_column),
                "axes": i32(len(kept)),
                "kept": table(np.array(kept, np.int32), "int32_t"),
            },
        )

    def _axes(self, call: Call) -> tuple[int, ...]:
        return (call.int("axis"),)
