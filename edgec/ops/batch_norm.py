"""Batch norm with fixed statistics: a scale and a shift per channel, which passes fold away."""

from __future__ import annotations

import numpy as np

from edgec.ir import TensorType
from edgec.ops.base import Call, Op, OpError, Rows


class BatchNorm(Op):
    """x [..., C], mean [C], var [C], gamma [C], beta [C] -> as x. Attribute: epsilon.

    Float only: the pass that folds batch norms leaves none.
    """

    name = "batch_norm"

    def infer(self, call: Call) -> list[TensorType]:
        x = call.ins[0]
        for k in range(1, 5):
            if call.const(k).shape != x.shape[-1:]:
                raise OpError(f"{call.const(k).shape} statistics for {x.shape[-1]} channels")
        return [TensorType(x.shape, layout=x.layout)]

    def rows(self, call: Call) -> tuple[Rows | None, ...]:
        return (Rows.same(call.outs[0].rows), None, None, None, None)

    def overwrites(self, call: Call) -> tuple[int, ...]:
        return (0,)

    def float_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        scale, shift = scale_and_shift(call)
        return (xs[0] * scale + shift).astype(np.float32)


def scale_and_shift(call: Call) -> tuple[np.ndarray, np.ndarray]:
    """The batch norm as x * scale + shift, float64 [C] each."""
    mean, var, gamma, beta = (call.const(k).astype(np.float64) for k in range(1, 5))
    scale = gamma / np.sqrt(var + call.float("epsilon"))
    return scale, beta - mean * scale
