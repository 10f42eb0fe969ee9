"""How far a result may be laid over an operand that dies: what follows from the rows declarations."""

from __future__ import annotations

import numpy as np

from edgec.ops.base import Rows

_NEVER = np.iinfo(np.int64).max // 4
"""A row number after all others."""


def reach(rows: Rows, row_in: int, row_out: int, *, claimed: int) -> int:
    """The largest distance, in bytes, from the operand's base to the result's.

    At any distance up to this one no output row is written over an operand row that it or a later
    one needs, but for what the op claims. Negative: the result begins in front of the operand.

    row_in, row_out: bytes of an operand row and of a result row. claimed: rows of the operand where
    the op says that output row i may be written over operand row i (`Op.overwrites`), else 0. Such
    a row i may cover rows that it needs itself, as long as it neither begins after nor ends after
    operand row i.
    """
    n = len(rows.first)
    if n == 0:
        return _NEVER
    first = np.where(rows.first <= rows.last, rows.first, _NEVER // max(row_in, 1)).astype(np.int64)
    later = np.append(np.minimum.accumulate(first[::-1])[::-1][1:], _NEVER // max(row_in, 1))
    i = np.arange(n, dtype=np.int64)
    end = (i + 1) * row_out
    own = first * row_in - end
    over = np.minimum(i * (row_in - row_out), (i + 1) * (row_in - row_out))
    own = np.where(i < claimed, np.maximum(own, over), own)
    return int(np.minimum(own, later * row_in - end).min())
