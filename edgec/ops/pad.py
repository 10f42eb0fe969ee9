"""Constant padding."""

from __future__ import annotations

import math

import numpy as np

from edgec.ir import TensorType
from edgec.ops.base import Call, Op, OpError, QuantRule, Rows
from edgec.ops.kernel import Kernel, i32, table


class Pad(Op):
    """x surrounded by a constant. Attributes: pads, (before, after) per axis; value, real.

    Integer: TFLM PAD for value 0 (the zero point), else the value in the input's own
    quantization, saturated. Reflecting and wrapping paddings are `take`.
    """

    name = "pad"

    def infer(self, call: Call) -> list[TensorType]:
        x, pads = call.ins[0], self._pads(call)
        if len(pads) != len(x.shape):
            raise OpError(f"{len(pads)} pads for a tensor of rank {len(x.shape)}")
        if min(min(p) for p in pads) < 0:
            raise OpError(f"pads must not be negative: {pads}")
        return [
            TensorType(tuple(b + n + a for n, (b, a) in zip(x.shape, pads, strict=True)), layout=x.layout)
        ]

    def rows(self, call: Call) -> tuple[Rows | None, ...]:
        source = self._source_rows(call)
        return (Rows(np.maximum(source, 0), source),)

    def float_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        return np.pad(xs[0], self._pads(call), constant_values=np.float32(call.float("value", 0.0)))

    def integer_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        return np.pad(xs[0], self._pads(call), constant_values=self._fill(call))

    def quantization(self, call: Call) -> QuantRule:
        # Elsewhere than at zero the value must be in the result's range: it gets its own.
        if call.float("value", 0.0):
            return QuantRule(unify=(0,))
        return QuantRule(output="same", wide=(0,), wide_output=True)

    def kernel(self, call: Call) -> Kernel:
        x, pads = call.ins[0], self._pads(call)
        head = x.row_axis
        inner = math.prod(x.shape[head + 1 :])
        tail = pads[head + 1 :]
        if any(map(any, tail)):  # channels of an image: every pixel is a segment
            segments, (before, after) = x.shape[head], tail[0]
            left, right = (n * (inner + before + after) for n in pads[head])
        else:
            segments, before, after = 1, 0, 0
            left, right = (n * inner for n in pads[head])
            inner = x.row_size
        return Kernel(
            "ec_pad",
            {
                "element": i32(x.dtype.bytes),
                "fill": i32(self._fill(call)),
                "left": i32(left),
                "right": i32(right),
                "segments": i32(segments),
                "before": i32(before),
                "length": i32(inner),
                "after": i32(after),
                "source": table(self._source_rows(call).astype(np.int32), "int32_t", by_row=True),
            },
        )

    def _pads(self, call: Call) -> list[tuple[int, int]]:
        pads = call.attrs["pads"]
        assert isinstance(pads, tuple)
        return [(int(p[0]), int(p[1])) for p in pads]  # type: ignore[index, arg-type]

    def _fill(self, call: Call) -> int:
        q, value = call.ins[0].quant, call.float("value", 0.0)
        held = (round(value / q.s) if math.isfinite(value) else math.copysign(2**31, value)) if q else value
        lo, hi = call.ins[0].dtype.limits
        return int(min(max(held + (q.z if q else 0), lo), hi))

    def _source_rows(self, call: Call) -> np.ndarray:
        """The input row of every output row, -1 for a row of padding."""
        head = call.ins[0].row_axis
        shape = (1, *call.ins[0].shape[:head])  # a vector has one row
        pads = [(0, 0), *self._pads(call)[:head]]
        index = np.arange(math.prod(shape)).reshape(shape)
        return np.pad(index, pads, constant_values=-1).ravel()
