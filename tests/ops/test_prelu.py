"""prelu: the kernel against the reference, the reference against float."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgec.ir import DType, Quant, TensorType
from edgec.ops.base import Call, OpError, registry
from tests.closeness import snr
from tests.kernels import check_call, quants


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_kernel(data: st.DataObject) -> None:
    draw = data.draw
    c = draw(st.integers(1, 9))
    shape = draw(st.sampled_from([(1, 3, 2, c), (2, 3, c), (1, c)]))
    alpha = np.random.default_rng(draw(st.integers(0, 99))).integers(-128, 128, c).astype(np.int8)
    ins = [TensorType(shape, DType.I8, draw(quants)), TensorType((c,), DType.I8, draw(quants))]
    check_call("prelu", ins, consts={1: alpha}, out_quant=draw(quants), seed=draw(st.integers(0, 99)))


def test_close_to_float() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(0, 1, (1, 30, 16)).astype(np.float32)
    ints = rng.integers(-127, 128, 16).astype(np.int8)
    alpha = (ints * np.float32(0.004)).astype(np.float32)
    consts = {1: (ints, TensorType((16,), DType.I8, Quant.of(0.004)), alpha)}
    assert snr("prelu", {0: x}, consts=consts) > 38


def test_one_slope_per_channel() -> None:
    with pytest.raises(OpError):
        types = (TensorType((1, 4)), TensorType((3,)))
        registry()["prelu"].infer(Call("p", "", {}, types, (), (None, np.zeros(3, np.float32))))
