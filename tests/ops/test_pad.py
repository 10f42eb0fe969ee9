"""pad: kernel against reference on every axis and rank."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from edgec.ir import DType, Quant, TensorType
from edgec.ops.base import Call, registry
from tests.kernels import check_call, quants


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_kernel(data: st.DataObject) -> None:
    draw = data.draw
    shape = draw(st.lists(st.integers(1, 4), min_size=1, max_size=5))
    pads = tuple((draw(st.integers(0, 2)), draw(st.integers(0, 2))) for _ in shape)
    dtype = draw(st.sampled_from([DType.I8, DType.I16]))
    q = draw(quants) if dtype == DType.I8 else Quant.of(0.01)
    value = draw(st.sampled_from([0.0, 1.5, -1e9]))
    check_call("pad", [TensorType(tuple(shape), dtype, q)], {"pads": pads, "value": value}, out_dtype=dtype)


def test_zero_becomes_the_zero_point() -> None:
    x = TensorType((1, 2), DType.I8, Quant.of(0.5, 7))
    y = TensorType((1, 4), DType.I8, Quant.of(0.5, 7))
    call = Call("p", "", {"pads": ((0, 0), (1, 1)), "value": 0.0}, (x,), (y,), (None,))
    out = registry()["pad"].integer_reference(call, np.array([[1, 2]], np.int8))
    assert isinstance(out, np.ndarray)
    assert out.tolist() == [[7, 1, 2, 7]]
