"""How far a result may lie over an operand, against row-by-row enumeration of the rule."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edgec.ops.base import Rows
from edgec.schedule.overlap import reach


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
def test_reach_is_allowed_and_so_is_all_in_front_of_it(
    declared: tuple[Rows, int], row_in: int, row_out: int, claimed: bool
) -> None:
    rows, n_in = declared
    found = reach(rows, row_in, row_out, claimed=n_in * claimed)
    for distance in range(found - 12, found + 1):
        assert allowed(rows, n_in, row_in, row_out, distance, claimed)


@given(
    st.integers(1, 7),
    st.integers(1, 5),
    st.integers(1, 5),
    st.booleans(),
    st.integers(1, 3),
    st.integers(0, 2),
)
def test_reach_is_the_largest_for_sliding_rows(
    n: int, row_in: int, row_out: int, claimed: bool, stride: int, pad: int
) -> None:
    """Beyond it a needed row is hit, unless the result begins behind the last needed row."""
    n_in = n * stride
    rows = Rows.sliding(n, n_in, stride=stride, pad=pad, extent=stride + 2 * pad)
    found = reach(rows, row_in, row_out, claimed=n_in * claimed)
    end = (int(rows.last.max()) + 1) * row_in
    for distance in range(found + 1, min(found + 9, end - row_out + 1)):
        assert not allowed(rows, n_in, row_in, row_out, distance, claimed)


def test_known_distances() -> None:
    def of(rows: Rows, row_in: int, row_out: int, claimed: bool = False) -> int:
        return reach(rows, row_in, row_out, claimed=10 * claimed)

    same, conv = Rows.same(10), Rows.sliding(10, 10, stride=1, pad=1, extent=3)
    assert of(same, 8, 8, claimed=True) == 0
    assert of(same, 8, 8) == -8
    assert of(conv, 8, 8) == -16
    assert of(Rows.sliding(5, 10, stride=2, pad=0, extent=2), 8, 8) == -8
    assert of(same, 8, 12, claimed=True) == -40
    assert of(same, 12, 8, claimed=True) == 0
    assert of(Rows.all(10, 10), 8, 8) == -80
    assert of(Rows(np.ones(3, int), np.zeros(3, int)), 8, 8) > 10**9
