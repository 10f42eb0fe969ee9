"""Columns: a run of each row's columns, where they lie in the row."""

from __future__ import annotations

import math

import numpy as np

from edgec.ir import TensorType
from edgec.ops.base import Call, OpError, Rows
from edgec.ops.view import View
from edgec.ops.viewmap import ViewMap


class Columns(View):
    """x [N,H,W,C] -> [N,H,last-first,C]: columns first .. last-1 of every row; of tokens [N,T,C], channels.

    Attributes: first, last. No code: row i of the result lies in row i of x, `offset` bytes
    behind its beginning. Made by the rewrites that a schedule asks for, when all passes are done.
    """

    name = "columns"
    is_alias = True

    def infer(self, call: Call) -> list[TensorType]:
        x, axis = call.ins[0], call.ins[0].row_axis
        first, last = call.int("first"), call.int("last")
        if axis >= len(x.shape) or not 0 <= first < last <= x.shape[axis]:
            raise OpError(f"{x.shape} has no columns {first} .. {last - 1}")
        return [TensorType((*x.shape[:axis], last - first, *x.shape[axis + 1 :]), x.dtype, layout=x.layout)]

    def rows(self, call: Call) -> tuple[Rows | None, ...]:
        return (Rows.same(call.outs[0].rows),)

    def offset(self, call: Call, k: int) -> int:
        x = call.ins[0]
        return call.int("first") * math.prod(x.shape[x.row_axis + 1 :]) * x.dtype.bytes

    def push(self, call: Call, view: ViewMap) -> ViewMap:
        return view.take(call.ins[0].row_axis, range(call.int("first"), call.int("last")))

    def float_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        part = slice(call.int("first"), call.int("last"))
        return np.ascontiguousarray(xs[0][(slice(None),) * call.ins[0].row_axis + (part,)])
