"""concat: kernel against reference on every axis, with constants and differing scales."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgec.ir import DType, Quant, TensorType
from edgec.ops.base import Call, OpError, registry
from tests.kernels import check_call, lengths, quants


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_kernel(data: st.DataObject) -> None:
    draw = data.draw
    shape = list(draw(st.lists(st.integers(1, 4), min_size=2, max_size=5)))
    axis = draw(st.integers(0, len(shape) - 1))
    out = draw(quants)
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    ins, consts = [], {}
    for k in range(draw(st.integers(1, 4))):
        part = [*shape[:axis], draw(lengths(3)), *shape[axis + 1 :]]
        ins.append(TensorType(tuple(part), DType.I8, out if draw(st.booleans()) else draw(quants)))
        if k and draw(st.booleans()):
            consts[k] = rng.integers(-128, 128, part).astype(np.int8)
    check_call("concat", ins, {"axis": axis}, consts=consts, out_quant=out)


def test_int16_is_copied() -> None:
    t = TensorType((1, 3, 4), DType.I16, Quant.of(0.01))
    y = check_call("concat", [t, t], {"axis": 1}, out_dtype=DType.I16)
    assert y.shape == (1, 6, 4)


def test_shapes_must_agree() -> None:
    ins = (TensorType((1, 3, 4)), TensorType((1, 3, 5)))
    with pytest.raises(OpError, match="differ beside axis 1"):
        registry()["concat"].infer(Call("c", "", {"axis": 1}, ins, (), (None, None)))
