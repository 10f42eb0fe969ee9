"""Concatenation along one axis."""

from __future__ import annotations

import math

import numpy as np

from edgec.ir import DType, TensorType
from edgec.ops import neon
from edgec.ops.base import Call, Op, OpError, QuantRule, Rows
from edgec.ops.fixed import quantize_multiplier, requantize
from edgec.ops.kernel import Kernel, i32, table


class Concat(Op):
    """Operands of equal shape but for `axis`, joined along it. Attribute: axis (>= 0).

    Integer: an operand with the result's quantization is copied; any other (int8 only) is
    requantized, q = zo + RQ(x - zi) with the factor si/so. Constant operands are
    requantized at compile time.
    """

    name = "concat"

    def infer(self, call: Call) -> list[TensorType]:
        axis, first = call.int("axis"), call.ins[0].shape
        if not 0 <= axis < len(first):
            raise OpError(f"axis {axis} of a tensor of rank {len(first)}")
        for t in call.ins[1:]:
            if t.shape[:axis] != first[:axis] or t.shape[axis + 1 :] != first[axis + 1 :]:
                raise OpError(f"shapes {first} and {t.shape} differ beside axis {axis}")
        length = sum(t.shape[axis] for t in call.ins)
        return [TensorType((*first[:axis], length, *first[axis + 1 :]), layout=call.ins[0].layout)]

    def rows(self, call: Call) -> tuple[Rows | None, ...]:
        y, spans = call.outs[0], self._spans(call)
        if spans is None:
            return tuple(Rows.same(y.rows) if c is None else None for c in call.consts)
        block, at = np.divmod(np.arange(y.rows), sum(spans))
        needs: list[Rows | None] = []
        start = 0
        for k, span in enumerate(spans):
            inside = (at >= start) & (at < start + span)
            row = block * span + at - start
            needs.append(Rows(np.where(inside, row, 0), np.where(inside, row, -1)))
            start += span
            if call.consts[k] is not None:
                needs[k] = None
        return tuple(needs)

    def float_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        return np.concatenate(xs, axis=call.int("axis"))

    def integer_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        parts = [self._converted(call, k, x) for k, x in enumerate(xs)]
        return np.concatenate(parts, axis=call.int("axis"))

    def quantization(self, call: Call) -> QuantRule:
        every = tuple(range(len(call.ins)))
        return QuantRule(unify=every, rescales=True, wide=every, wide_output=True)

    def kernel(self, call: Call) -> Kernel:
        spans = self._spans(call)
        y, axis = call.outs[0], call.int("axis")
        head = y.row_axis
        lengths = [math.prod(t.shape[max(axis, head) :]) for t in call.ins]
        factors = [self._factor(call, k) for k in range(len(call.ins))]
        blobs = [
            self._converted(call, k, c).tobytes() if c is not None else b"" for k, c in enumerate(call.consts)
        ]
        offsets = np.cumsum([0, *map(len, blobs)])[:-1]
        plain = Kernel(
            "ec_concat",
            {
                "operands": i32(len(call.ins)),
                "element": i32(y.dtype.bytes),
                "segments": i32(math.prod(y.shape[head:axis])),
                "output_zero": i32(y.quant.z if y.quant else 0),
                "length": table(np.array(lengths, np.int32), "int32_t"),
                "rows": table(np.array(spans, np.int32) if spans else None, "int32_t"),
                "constants": table(np.frombuffer(b"".join(blobs), np.int8), "int8_t"),
                "offset": table(
                    np.where([c is None for c in call.consts], -1, offsets).astype(np.int32), "int32_t"
                ),
                "multiplier": table(np.array([m for m, _, _ in factors], np.int32), "int32_t"),
                "shift": table(np.array([s for _, s, _ in factors], np.int8), "int8_t"),
                "zero": table(np.array([z for _, _, z in factors], np.int32), "int32_t"),
            },
        )
        return neon.same(call, plain)

    def _spans(self, call: Call) -> list[int] | None:
        """Rows of every operand in one block of the result; None where rows are joined inside."""
        axis, head = call.int("axis"), call.outs[0].row_axis
        return [math.prod(t.shape[axis:head]) for t in call.ins] if axis < head else None

    def _factor(self, call: Call, k: int) -> tuple[int, int, int]:
        """Mantissa, shift and zero point of operand k; mantissa 0 where it is only copied."""
        x, y = call.ins[k], call.outs[0]
        if x.quant == y.quant or x.quant is None or call.consts[k] is not None:
            return 0, 0, 0
        return *quantize_multiplier(x.q.s / y.q.s), x.q.z

    def _converted(self, call: Call, k: int, x: np.ndarray) -> np.ndarray:
        t, y = call.ins[k], call.outs[0]
        if t.quant == y.quant or t.quant is None:
            return x
        if t.dtype != DType.I8 or y.dtype != DType.I8:
            raise OpError(f"operand {k} of {t.dtype} has not the result's scale")
        mantissa, shift = quantize_multiplier(t.q.s / y.q.s)
        q = requantize(x.astype(np.int64) - t.q.z, mantissa, shift) + y.q.z
        return np.clip(q, *y.dtype.limits).astype(y.dtype.numpy)
