"""What running sums and maxima over the rows of a map share."""

from __future__ import annotations

import numpy as np

from edgec.ir import DType, TensorType
from edgec.ops.base import Call, Op, OpError, QuantRule, Rows
from edgec.ops.kernel import Field, i32


class RunningColumns(Op):
    """A window slides over the columns of each row; result row i has rows 0 .. i in it.

    x of any shape, its rows `columns` columns of channels wide -> [1, rows, windows * channels].
    Attributes: columns, taps, stride, padding (left, right). Taps outside the row are left out.
    """

    def infer(self, call: Call) -> list[TensorType]:
        x, columns, windows = call.ins[0], call.int("columns"), self.windows(call)
        if columns < 1 or x.row_size % columns or windows < 1:
            raise OpError(f"windows over {columns} columns of rows of {x.row_size} elements")
        return [TensorType((1, x.rows, x.row_size // columns * windows), DType.I32)]

    def rows(self, call: Call) -> tuple[Rows | None, ...]:
        return (Rows.same(call.ins[0].rows),)

    def carries(self, call: Call) -> bool:
        return True

    def quantization(self, call: Call) -> QuantRule:
        return QuantRule(output="same")

    def windows(self, call: Call) -> int:
        """Windows side by side; 0 or fewer where not one fits."""
        padded = call.int("columns") + sum(call.ints("padding"))
        return (padded - call.int("taps")) // call.int("stride") + 1

    def patches(self, call: Call, x: np.ndarray, fill: float) -> np.ndarray:
        """x -> [rows, windows, channels, taps]; taps outside the row are `fill`."""
        of = call.ins[0]
        columns, pads = call.int("columns"), call.ints("padding")
        x = x.reshape(of.rows, columns, of.row_size // columns)
        x = np.pad(x, ((0, 0), (pads[0], pads[1]), (0, 0)), constant_values=fill)
        view = np.lib.stride_tricks.sliding_window_view(x, call.int("taps"), axis=1)
        return view[:, :: call.int("stride")]

    def fields(self, call: Call) -> dict[str, Field]:
        """The members that the kernels begin with."""
        columns = call.int("columns")
        return {
            "columns": i32(columns),
            "channels": i32(call.ins[0].row_size // columns),
            "taps": i32(call.int("taps")),
            "stride": i32(call.int("stride")),
            "pad": i32(call.ints("padding")[0]),
            "windows": i32(self.windows(call)),
        }
