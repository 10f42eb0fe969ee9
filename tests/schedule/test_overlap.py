"""How far a result may lie over an operand, against row-by-row enumeration of the rule."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edgec.ops.base import Rows
from edgec.schedule.overlap import forbidden


def allowed(rows: Rows, n_in: int, row_in: int, row_out: int, distance: int, claimed: bool) -> bool:
    """Byte by byte: whether no result row is written over an operand row that is still needed."""
    n = len(rows.first)
    for i in range(n):
        written = set(range(distance + i * row_out, distance + (i + 1) * row_out))
        begins_no_later = distance + i * row_out <= i * row_in
        ends_no_later = distance + (i + 1) * row_out <= (i + 1) * row_in
        for j in range(i, n):
            if j == i < n_in and claimed and begins_no_later and ends_no_later:
                continue
            needed = range(rows.first[j] * row_in, (rows.last[j] + 1) * row_in)
            if written & set(needed):
                return False
    return True


@st.composite
def declarations(draw: st.DrawFn) -> tuple[Rows, int]:
    n_in = draw(st.integers(1, 6))
    n_out = draw(st.integers(1, 6))
    pairs = [sorted((draw(st.integers(0, n_in - 1)), draw(st.integers(0, n_in - 1)))) for _ in range(n_out)]
    if draw(st.booleans()):
        pairs.sort()
    first, last = np.array(pairs).T
    return Rows(first, last), n_in


@given(declarations(), st.integers(1, 5), st.integers(1, 5), st.booleans())
def test_what_is_not_forbidden_loses_nothing(
    declared: tuple[Rows, int], row_in: int, row_out: int, claimed: bool
) -> None:
    rows, n_in = declared
    lo, hi = forbidden(rows, row_in, row_out, claimed=n_in * claimed)
    for distance in (*range(lo - 12, lo + 1), *range(hi, hi + 12)):
        assert allowed(rows, n_in, row_in, row_out, distance, claimed)


SMALL = st.integers(1, 5)


@given(st.integers(1, 7), SMALL, SMALL, st.booleans(), st.integers(1, 3), st.integers(0, 2))
def test_what_is_forbidden_loses_something_for_sliding_rows(
    n: int, row_in: int, row_out: int, claimed: bool, stride: int, pad: int
) -> None:
    n_in = n * stride + 2  # two rows that are not read
    rows = Rows.sliding(n, n_in, stride=stride, pad=pad, extent=stride + 2 * pad)
    lo, hi = forbidden(rows, row_in, row_out, claimed=n_in * claimed)
    for distance in range(lo + 1, hi):
        assert not allowed(rows, n_in, row_in, row_out, distance, claimed)


def test_known_distances() -> None:
    def of(rows: Rows, row_in: int, row_out: int, claimed: bool = False) -> tuple[int, int]:
        return forbidden(rows, row_in, row_out, claimed=10 * claimed)

    same, conv = Rows.same(10), Rows.sliding(10, 10, stride=1, pad=1, extent=3)
    assert of(same, 8, 8, claimed=True) == (0, 80)
    assert of(same, 8, 8) == (-8, 80)
    assert of(conv, 8, 8) == (-16, 80)
    assert of(Rows.sliding(5, 10, stride=2, pad=0, extent=2), 8, 8) == (-8, 80)
    assert of(same, 8, 12, claimed=True) == (-40, 80)
    assert of(same, 12, 8, claimed=True) == (0, 120)
    assert of(Rows.all(10, 10), 8, 8) == (-80, 80)
    assert of(Rows.all(1, 1), 8, 8) == (-8, 8)  # one row of however many
    assert of(Rows(np.ones(3, int), np.zeros(3, int)), 8, 8) == (0, 0)
