"""reduce_max and argmax: the kernels against the reference over any axes."""

from __future__ import annotations

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from edgec.ir import DType, TensorType
from edgec.ops.base import OpError
from tests.kernels import check_call, quants


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_reduce_max(data: st.DataObject) -> None:
    draw = data.draw
    shape = tuple(draw(st.lists(st.integers(1, 5), min_size=1, max_size=5)))
    axes = tuple(k for k in range(len(shape)) if draw(st.booleans()))
    assume(axes)
    x = TensorType(shape, DType.I8, draw(quants))
    try:
        check_call("reduce_max", [x], {"axes": axes, "keepdims": draw(st.booleans())})
    except OpError as error:
        assert "too many separate axes" in str(error)  # noqa: PT017 - a declared limit


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_argmax(data: st.DataObject) -> None:
    draw = data.draw
    shape = tuple(draw(st.lists(st.integers(1, 6), min_size=1, max_size=4)))
    x = TensorType(shape, DType.I8, draw(quants))
    few = np.random.default_rng(draw(st.integers(0, 99))).integers(-128, -125, shape).astype(np.int8)
    attrs = {"axis": draw(st.integers(0, len(shape) - 1)), "keepdims": draw(st.booleans())}
    check_call("argmax", [x], attrs, out_dtype=DType.I32, values={0: few} if draw(st.booleans()) else {})


def test_the_first_of_equals() -> None:
    x = np.array([[3, 7, 7, -1]], np.int8)
    got = check_call(
        "argmax", [TensorType((1, 4), DType.I8)], {"axis": 1}, out_dtype=DType.I32, values={0: x}
    )
    assert got.tolist() == [1]
