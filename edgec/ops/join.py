"""Join: parts of rows side by side, computed where they lie in the whole row."""

from __future__ import annotations

import numpy as np

from edgec.ir import TensorType
from edgec.ops.base import Call, Op, OpError, QuantRule, Rows


class Join(Op):
    """Parts [N,H,Wk,C] side by side -> [N,H,W,C]; or of tokens, [N,T,Ck] -> [N,T,C].

    Attribute: axis, the first that lies inside a row (W, or C of tokens), so that each part is one
    run of bytes of the row. No code: row i of part k is computed in row i of the result, `offset`
    bytes behind its beginning. The parts have the result's quantization. Made by the rewrites
    that a schedule asks for, when all passes are done.
    """

    name = "join"
    is_join = True

    def infer(self, call: Call) -> list[TensorType]:
        x, axis = call.ins[0], call.int("axis")
        if axis != x.row_axis or axis >= len(x.shape):
            raise OpError(f"axis {axis} is not the first inside a row of {x.shape}")
        for k, t in enumerate(call.ins):
            if t.shape[:axis] != x.shape[:axis] or t.shape[axis + 1 :] != x.shape[axis + 1 :]:
                raise OpError(f"shapes {x.shape} and {t.shape} differ beside axis {axis}")
            if (t.dtype, t.quant) != (x.dtype, x.quant):
                raise OpError(f"parts 0 and {k} have not the same number format")
            if call.consts[k] is not None:
                raise OpError(f"part {k} is a constant, which has no place in the arena")
        width = sum(t.shape[axis] for t in call.ins)
        return [TensorType((*x.shape[:axis], width, *x.shape[axis + 1 :]), x.dtype, layout=x.layout)]

    def rows(self, call: Call) -> tuple[Rows | None, ...]:
        return (Rows.same(call.outs[0].rows),) * len(call.ins)

    def offset(self, call: Call, k: int) -> int:
        return sum(t.row_bytes for t in call.ins[:k])

    def float_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        return np.concatenate(xs, axis=call.int("axis"))

    def integer_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        return self.float_reference(call, *xs)

    def quantization(self, call: Call) -> QuantRule:
        every = tuple(range(len(call.ins)))
        return QuantRule(unify=every, wide=every, wide_output=True)
