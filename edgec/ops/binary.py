"""What the ops of two operands share: numpy broadcasting, in shapes, rows and kernel parameters."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from edgec.ir import DType, TensorType
from edgec.ops.base import Call, Op, OpError, Rows
from edgec.ops.kernel import Field, i32, table
from edgec.ops.quantized import limits


class Binary(Op):
    """y = f(a, b) element by element with numpy broadcasting; either operand may be constant."""

    def infer(self, call: Call) -> list[TensorType]:
        a, b = call.ins[0].shape, call.ins[1].shape
        try:
            shape = np.broadcast_shapes(a, b)
        except ValueError:
            raise OpError(f"shapes {a} and {b} cannot be broadcast") from None
        layout = next((t.layout for t in call.ins if t.layout and len(t.shape) == len(shape)), "")
        return [TensorType(tuple(shape), layout=layout)]

    def rows(self, call: Call) -> tuple[Rows | None, ...]:
        return tuple(
            None if call.consts[k] is not None else _rows(call.ins[k], call.outs[0]) for k in range(2)
        )

    def overwrites(self, call: Call) -> tuple[int, ...]:
        # Elements are taken in ascending order; an operand that is read again must stay.
        same = [k for k in call.activations if call.ins[k].shape == call.outs[0].shape]
        return tuple(same)

    def fits(self, call: Call) -> bool:
        """Whether the kernel can broadcast so; a pass reshapes and repeats operands until it can."""
        try:
            _loops(call, call.outs[0])
        except OpError:
            return False
        return True


def _rows(x: TensorType, y: TensorType) -> Rows:
    """The rows of x that each row of y needs."""
    own = np.arange(x.size).reshape(x.shape) // x.row_size
    needed = np.broadcast_to(own, y.shape).reshape(y.rows, y.row_size)
    first, last = needed.min(axis=1), needed.max(axis=1)
    # Several rows of x are read as one piece, so a ring must not break them: all must be there.
    return Rows(first, last) if np.array_equal(first, last) else Rows.all(y.rows, x.rows)


def _strides(shape: tuple[int, ...], out: tuple[int, ...]) -> list[int]:
    """Element strides of an operand over the output's axes; 0 where it is repeated."""
    padded = (1,) * (len(out) - len(shape)) + shape
    strides = [math.prod(padded[k + 1 :]) for k in range(len(padded))]
    return [0 if n == 1 else s for n, s in zip(padded, strides, strict=True)]


def _merged(sizes: list[int], strides: list[list[int]], keep: int) -> tuple[list[int], list[list[int]]]:
    """Adjacent axes joined where every operand allows it, then padded in front to `keep` axes."""
    axes: list[tuple[int, list[int]]] = []
    for n, *s in zip(sizes, *strides, strict=True):
        if n == 1:
            continue
        if axes and all(a == b * n for a, b in zip(axes[-1][1], s, strict=True)):
            axes[-1] = (axes[-1][0] * n, s)
        else:
            axes.append((n, s))
    if len(axes) > keep:
        raise OpError("operands are repeated along too many separate axes; insert a copy (expand)")
    axes = [(1, [0] * len(strides))] * (keep - len(axes)) + axes
    return [n for n, _ in axes], [[s[k] for _, s in axes] for k in range(len(strides))]


def _loops(call: Call, y: TensorType) -> tuple[int, list[list[int]], int, list[list[int]]]:
    """Sizes of the inner loops over rows and elements, and both operands' strides in both.

    The strides over rows are in rows of an activation (found through its window), in elements
    of a constant.
    """
    split = y.row_axis
    strides = [_strides(t.shape, y.shape) for t in call.ins]
    (_, lead), rows = _merged(list(y.shape[:split]), [s[:split] for s in strides], 2)
    (_, inner), within = _merged(list(y.shape[split:]), [s[split:] for s in strides], 2)
    for k in call.activations:
        if any(s % call.ins[k].row_size for s in rows[k]):
            raise OpError(f"operands of {call.ins[0].shape} and {call.ins[1].shape} differ in rank")
        rows[k] = [s // call.ins[k].row_size for s in rows[k]]
    return lead, rows, inner, within


def binary_fields(call: Call) -> dict[str, Field]:
    """The members EC_BINARY_MEMBERS of firmware/kernels/ec_binary.h.

    Output row i is (i / lead, i % lead), an element of it (e / inner, e % inner). Raises
    OpError where the broadcast has more axes than that.
    """
    y = call.outs[0]
    lead, rows, inner, within = _loops(call, y)
    fields = {"row_size": i32(y.row_size), "lead": i32(lead), "inner": i32(inner)}
    for k, name in enumerate("ab"):
        x, data = call.ins[k], call.consts[k]
        fields |= {
            f"{name}_wide": i32(x.dtype == DType.I16),
            f"{name}_zero": i32(x.q.z),
            f"{name}_far": i32(rows[k][0]),
            f"{name}_near": i32(rows[k][1]),
            f"{name}_outer": i32(within[k][0]),
            f"{name}_inner": i32(within[k][1]),
            f"{name}_s8": _constant(data, DType.I8, by_row=any(rows[k])),
            f"{name}_s16": _constant(data, DType.I16, by_row=any(rows[k])),
        }
    lo, hi = limits(call)
    wide = y.dtype == DType.I16
    return fields | {"y_wide": i32(wide), "y_zero": i32(y.q.z), "lo": i32(lo), "hi": i32(hi)}


def for_dsp(call: Call, fields: Mapping[str, Field]) -> bool:
    """Whether a kernel for the DSP extension may do it.

    Both operands' elements follow each other within the inner loop of `binary_fields`, and the plain kernel
    has no vectors for them, as it has for int8 with Helium.
    """
    vectors = "mve" in call.features and all(t.dtype == DType.I8 for t in (*call.ins, *call.outs))
    steps = fields["a_inner"].value == fields["b_inner"].value == 1
    return "dsp" in call.features and steps and not vectors


def _constant(data: np.ndarray | None, dtype: DType, *, by_row: bool) -> Field:
    """The table of a constant operand; NULL for one of another type, and for an activation."""
    same = data is not None and data.dtype == dtype.numpy
    return table(data if same else None, f"{dtype.numpy}_t", by_row=by_row)


def signed(x: np.ndarray, t: TensorType) -> np.ndarray:
    """The operand as int64, zero point removed."""
    result: np.ndarray = x.astype(np.int64) - t.q.z
    return result
