"""softmax: the kernel against the integer reference, the reference against real softmax."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgec.ir import DType, Quant, TensorType
from tests.kernels import check_call

OUT = Quant.of(1 / 256, -128)


@settings(max_examples=40, deadline=None)
@given(
    lead=st.sampled_from([(1,), (3,), (2, 3), (1, 2, 2)]),
    length=st.integers(1, 40),
    exponent=st.floats(-20, 2),
    beta=st.sampled_from([1.0, 0.5, 3.0]),
    seed=st.integers(0, 999),
)
def test_kernel(lead: tuple[int, ...], length: int, exponent: float, beta: float, seed: int) -> None:
    x = TensorType((*lead, length), DType.I8, Quant.of(float(np.float32(2.0**exponent)), seed % 256 - 128))
    check_call("softmax", [x], {"beta": beta}, out_quant=OUT, seed=seed)


@pytest.mark.parametrize("length", [200, 300, 1000, 4095])
def test_long_vectors(length: int) -> None:
    """Sums beyond 2**8: every share rounds to nothing or little, the shift passes 31 bits."""
    x = TensorType((1, length), DType.I8, Quant.of(0.001))
    check_call("softmax", [x], out_quant=OUT)


@pytest.mark.parametrize(("length", "halved"), [(64, 1), (300, 3), (1024, 6), (4095, 8)])
def test_finer_shares(length: int, halved: int) -> None:
    x = TensorType((2, length), DType.I8, Quant.of(0.004))
    values = np.random.default_rng(0).integers(-128, 128, x.shape).astype(np.int8)
    values[1, 5] = 127
    scale = 2.0 ** -(8 + halved)
    y = check_call("softmax", [x], out_quant=Quant.of(scale, -128), values={0: values})
    e = np.exp(0.004 * values.astype(float))
    want = np.minimum(e / e.sum(axis=1, keepdims=True), 255 * scale)
    assert np.abs((y + 128.0) * scale - want).max() < 0.75 * scale


def test_a_large_share_stops_at_the_format() -> None:
    x = TensorType((1, 64), DType.I8, Quant.of(0.1))
    values = np.full(x.shape, -128, np.int8)
    values[0, 3] = 127
    y = check_call("softmax", [x], out_quant=Quant.of(2.0**-12, -128), values={0: values})
    assert y[0, 3] == 127 and (np.delete(y, 3) == -128).all()


def test_is_softmax() -> None:
    x = TensorType((50, 10), DType.I8, Quant.of(0.05, 3))
    values = np.random.default_rng(0).integers(-128, 128, x.shape).astype(np.int8)
    y = check_call("softmax", [x], out_quant=OUT, values={0: values})
    e = np.exp(0.05 * (values.astype(float) - values.max(axis=1, keepdims=True)))
    assert np.abs((y + 128.0) / 256 - e / e.sum(axis=1, keepdims=True)).max() < 0.75 / 256
