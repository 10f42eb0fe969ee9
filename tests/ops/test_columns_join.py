"""columns and join: parts of rows that lie in each other, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgec.ir import DType, Quant, TensorType
from edgec.ops.base import Call, OpError, registry
from edgec.ops.view import view_rows
from edgec.ops.viewmap import ViewMap

Q = Quant.of(0.5, 1)
shapes = st.one_of(
    st.tuples(st.integers(1, 2), st.integers(1, 3), st.integers(1, 6), st.integers(1, 3)),
    st.tuples(st.integers(1, 2), st.integers(1, 3), st.integers(1, 6)),
    st.tuples(st.integers(1, 2), st.integers(1, 6)),
)
dtypes = st.sampled_from([DType.I8, DType.I16])


def call(op: str, attrs: dict[str, int], *ins: TensorType) -> Call:
    bare = Call(op, "", attrs, ins, (), (None,) * len(ins))
    (out,) = registry()[op].infer(bare)
    return Call(op, "", attrs, ins, (out.with_(dtype=ins[0].dtype, quant=ins[0].quant),), bare.consts)


def drawn(t: TensorType) -> np.ndarray:
    return np.random.default_rng(0).integers(*t.dtype.limits, t.shape, endpoint=True).astype(t.dtype.numpy)


def bytes_of_rows(x: np.ndarray, t: TensorType) -> np.ndarray:
    return np.frombuffer(x.tobytes(), np.uint8).reshape(t.rows, t.row_bytes)


@given(shapes, dtypes, st.data())
def test_columns_lie_in_their_rows(shape: tuple[int, ...], dtype: DType, data: st.DataObject) -> None:
    x = TensorType(shape, dtype, Q)
    n = shape[x.row_axis]
    first = data.draw(st.integers(0, n - 1))
    c = call("columns", {"first": first, "last": data.draw(st.integers(first + 1, n))}, x)
    op = registry()["columns"]
    values, at = drawn(x), op.offset(c, 0)
    y = op.integer_reference(c, values)
    assert y.shape == c.outs[0].shape and at is not None
    whole, part = bytes_of_rows(values, x), bytes_of_rows(y, c.outs[0])
    np.testing.assert_array_equal(whole[:, at : at + part.shape[1]], part)
    view = op.push(c, ViewMap.whole(shape))
    np.testing.assert_array_equal(values.ravel()[view.indices()], y)
    (rows,) = op.rows(c)
    expected = view_rows(view, x, c.outs[0])
    np.testing.assert_array_equal([rows.first, rows.last], [expected.first, expected.last])


@given(shapes, dtypes, st.lists(st.integers(1, 4), min_size=1, max_size=4))
def test_parts_lie_in_the_joined_rows(shape: tuple[int, ...], dtype: DType, widths: list[int]) -> None:
    x = TensorType(shape, dtype, Q)
    axis = x.row_axis
    parts = [x.with_(shape=(*shape[:axis], n, *shape[axis + 1 :])) for n in widths]
    c = call("join", {"axis": axis}, *parts)
    op, values = registry()["join"], [drawn(t) for t in parts]
    y = op.integer_reference(c, *values)
    assert y.shape == c.outs[0].shape and y.dtype == dtype.numpy
    whole, end = bytes_of_rows(y, c.outs[0]), 0
    for k, (t, part) in enumerate(zip(parts, values, strict=True)):
        assert op.offset(c, k) == end
        np.testing.assert_array_equal(whole[:, end : end + t.row_bytes], bytes_of_rows(part, t))
        end += t.row_bytes
        np.testing.assert_array_equal(op.rows(c)[k].first, np.arange(c.outs[0].rows))
    assert end == c.outs[0].row_bytes


MAP = TensorType((1, 4, 6, 2), DType.I8, Q)


@pytest.mark.parametrize(("first", "last"), [(-1, 2), (3, 3), (4, 2), (0, 7)])
def test_columns_that_are_not_there(first: int, last: int) -> None:
    with pytest.raises(OpError, match="has no columns"):
        call("columns", {"first": first, "last": last}, MAP)


@pytest.mark.parametrize(
    ("other", "axis", "why"),
    [
        (MAP, 3, "not the first inside a row"),
        (MAP, 1, "not the first inside a row"),
        (MAP.with_(shape=(1, 4, 6, 3)), 2, "differ beside axis 2"),
        (MAP.with_(shape=(1, 3, 6, 2)), 2, "differ beside axis 2"),
        (MAP.with_(quant=Quant.of(0.25, 1)), 2, "number format"),
        (MAP.with_(dtype=DType.I16), 2, "number format"),
    ],
)
def test_parts_that_do_not_fit(other: TensorType, axis: int, why: str) -> None:
    with pytest.raises(OpError, match=why):
        call("join", {"axis": axis}, MAP, other)


def test_a_constant_is_no_part() -> None:
    with pytest.raises(OpError, match="constant"):
        registry()["join"].infer(
            Call("join", "", {"axis": 2}, (MAP, MAP), (), (None, np.zeros(MAP.shape, np.int8)))
        )
