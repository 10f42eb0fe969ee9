"""Where a result may lie over an operand that dies: what follows from the rows declarations."""

from __future__ import annotations

import numpy as np

from edgec.ops.base import Rows

_FAR = 1 << 40
"""A number of bytes beyond every arena."""


def forbidden(rows: Rows, row_in: int, row_out: int, *, claimed: int) -> tuple[int, int]:
    """Distances in bytes, from the operand's base to the result's, that would lose rows: (lo, hi).

    At a distance of at most `lo`, where the result runs in front of what is read, and of at least
    `hi`, where it lies behind all that is read, no output row is written over an operand row that
    it or a later one needs, but for what the op claims. All between are taken to be forbidden; rows
    in the midst of the operand that nobody reads are not made use of.

    row_in, row_out: bytes of an operand row and of a result row. claimed: rows of the operand where
    the op says that output row i may be written over operand row i (`Op.overwrites`), else 0. Such
    a row i may cover rows that it needs itself, as long as it neither begins after nor ends after
    operand row i.
    """
    n = len(rows.first)
    i = np.arange(n, dtype=np.int64)
    some = rows.first <= rows.last
    if not some.any():
        return 0, 0
    first = np.where(some, rows.first.astype(np.int64) * row_in, _FAR)
    last = np.where(some, (rows.last.astype(np.int64) + 1) * row_in, -_FAR)
    end = (i + 1) * row_out
    later = np.append(np.minimum.accumulate(first[::-1])[::-1][1:], _FAR)
    over = np.minimum(i * (row_in - row_out), (i + 1) * (row_in - row_out))
    own = np.where(i < claimed, np.maximum(first - end, over), first - end)
    lo = np.minimum(own, later - end).min()
    hi = (np.maximum.accumulate(last[::-1])[::-1] - i * row_out).max()
    return int(lo), int(hi)
