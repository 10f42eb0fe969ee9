"""mean and sum: kernel against reference over any axes."""

from __future__ import annotations

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from edgec.ir import DType, Quant, TensorType
from edgec.ops.base import Call, OpError, registry
from tests.kernels import check_call, lengths, quants


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_kernel(data: st.DataObject) -> None:
    draw = data.draw
    shape = (*draw(st.lists(st.integers(1, 5), max_size=4)), draw(lengths(5)))
    axes = tuple(k for k in range(len(shape)) if draw(st.booleans()))
    assume(axes)
    wide = draw(st.booleans())
    q = Quant.of(draw(quants).s / 256) if wide else draw(quants)
    x = TensorType(shape, DType.I16 if wide else DType.I8, q)
    try:
        check_call(
            draw(st.sampled_from(["mean", "sum"])),
            [x],
            {"axes": axes, "keepdims": draw(st.booleans())},
            out_quant=draw(quants),
        )
    except OpError as error:
        assert "too many separate axes" in str(error)  # noqa: PT017 - a declared limit


def test_mean_of_a_map() -> None:
    x = TensorType((1, 2, 2, 1), DType.I8, Quant.of(0.5, 1))
    y = TensorType((1, 1), DType.I8, Quant.of(0.25, 0))
    call = Call("m", "", {"axes": (1, 2), "keepdims": False}, (x,), (y,), (None,))
    out = registry()["mean"].integer_reference(call, np.array([1, 3, 5, 7], np.int8).reshape(1, 2, 2, 1))
    assert isinstance(out, np.ndarray)
    assert out.tolist() == [[6]]  # the reals 0, 1, 2, 3 have the mean 1.5
