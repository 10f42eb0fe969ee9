"""Which layers may have the rows of one step computed at the same time, by several threads."""

from __future__ import annotations

import numpy as np

from edgec.codegen.layers import Layer
from edgec.ops.base import Rows, op_of
from edgec.schedule.plan import Plan, Step

SOURCES = ("threads.h", "threads.c")
"""Files of firmware/runtime that go into a library whose rows can be split."""


def parallel(plan: Plan, layer: Layer) -> bool:
    """Whether rows of one step of a layer may be computed in any order, and at the same time.

    No row may need the one before it, nor be written where another one's operands are read. A result that
    lies exactly over an operand is fine where each row needs the same row only. Kernels that begin with work
    over a whole operand would do it once in each thread.
    """
    op, call = op_of(layer.node), layer.call
    if op.carries(call) or layer.kernel.at_once:
        return False
    declared = op.rows(call)
    most = max(s.last - s.first for s in plan.steps if isinstance(s, Step) and s.node == layer.node.name)
    for value, type in zip(layer.node.outputs, call.outs, strict=True):
        result = plan.windows[value]
        if most > result.capacity or result.slots:
            return False
        for k in call.activations:
            rows, operand = declared[k], plan.windows[layer.node.inputs[k]]
            same = result == operand and type.row_bytes == call.ins[k].row_bytes and _is_same(rows)
            if not (same or result.is_apart(operand)):
                return False
    return True


def _is_same(rows: Rows | None) -> bool:
    return rows is not None and all(np.array_equal(r, np.arange(len(r))) for r in (rows.first, rows.last))
