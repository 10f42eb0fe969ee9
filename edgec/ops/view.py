"""What all views share: they move elements and compute nothing."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from edgec.ir import TensorType
from edgec.ops.base import Call, Op, QuantRule, Rows
from edgec.ops.viewmap import ViewMap


class View(Op):
    """An op whose every output element is an element of operand 0."""

    is_view = True

    @abstractmethod
    def push(self, call: Call, view: ViewMap) -> ViewMap:
        """This op applied to a view (of any base) that stands for operand 0."""

    def rows(self, call: Call) -> tuple[Rows | None, ...]:
        view = self.push(call, ViewMap.whole(call.ins[0].shape))
        rows = view_rows(view, call.ins[0], call.outs[0])
        return (rows, *[None] * (len(call.ins) - 1))

    def integer_reference(self, call: Call, *xs: np.ndarray) -> np.ndarray:
        y = self.float_reference(call, *xs)
        assert isinstance(y, np.ndarray)
        return y

    def quantization(self, call: Call) -> QuantRule:
        return QuantRule(output="same", constants=dict.fromkeys(range(1, len(call.ins)), "keep"))


def view_rows(view: ViewMap, base: TensorType, result: TensorType) -> Rows:
    """The rows of the base that each row of the result needs, by the elements that it reads."""
    source = view.indices().reshape(result.rows, result.row_size)
    return Rows(
        source.min(axis=1).astype(np.int64) // base.row_size,
        source.max(axis=1).astype(np.int64) // base.row_size,
    )
