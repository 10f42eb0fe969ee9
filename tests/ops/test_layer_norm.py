"""layer_norm: kernels against the reference, the reference against float."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgec.ir import DType, Quant, TensorType
from edgec.ops.base import Call, OpError, registry
from edgec.ops.norm import NormParams
from edgec.ops.roots import inverse, rsqrt
from tests.closeness import snr
from tests.kernels import check_call, quants

DTYPES = st.sampled_from([DType.I8, DType.I16])


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_kernel(data: st.DataObject) -> None:
    draw = data.draw
    lead = draw(st.sampled_from([(1,), (1, 5), (2, 3), (1, 2, 3)]))
    c = draw(st.sampled_from([1, 2, 3, 7, 16, 33, 192]))
    x, y = draw(DTYPES), draw(DTYPES)
    xq, yq = draw(quants), draw(quants)
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    gamma = (rng.normal(1, 0.5, c) * draw(st.sampled_from([1e-4, 1, 30]))).astype(np.float32)
    beta = (rng.normal(0, 1, c) * draw(st.sampled_from([0, 1, 300]))).astype(np.float32)
    n = draw(st.integers(1, 3))
    ins = [TensorType((*lead, c), x, Quant.of(xq.s / 256, xq.z) if x == DType.I16 else xq)]
    ins += [TensorType((c,)), TensorType((c,))][: n - 1]
    spread = draw(st.sampled_from([0, 1, 5, 2**15]))  # rows of equal values, too
    lo, hi = x.limits
    values = np.clip(rng.integers(-spread, spread + 1, (*lead, c)) + rng.integers(lo, hi), lo, hi)
    check_call(
        "layer_norm",
        ins,
        {"epsilon": draw(st.sampled_from([0.0, 1e-12, 1e-5, 1.0])), "rms": draw(st.booleans())},
        consts={k: v for k, v in {1: gamma, 2: beta}.items() if k < n},
        values={0: values.astype(x.numpy)},
        out_quant=Quant.of(yq.s / 256) if y == DType.I16 else yq,
        out_dtype=y,
    )


@pytest.mark.parametrize("y", [DType.I8, DType.I16])
def test_kernel_where_values_are_shifted_to_the_right(y: DType) -> None:
    """Of long vectors of large values the sums have so many bits; one vector is short of that."""
    rng = np.random.default_rng(5)
    x = rng.integers(-32768, 32768, (1, 3, 4094))
    x[0, 1] //= 64
    check_call(
        "layer_norm",
        [TensorType(x.shape, DType.I16, Quant.of(2.0**-12)), TensorType((4094,))],
        {"epsilon": 1e-5},
        consts={1: rng.normal(1, 0.3, 4094).astype(np.float32)},
        values={0: x.astype(np.int16)},
        out_quant=Quant.of(2.0**-5, 3) if y == DType.I8 else Quant.of(2.0**-13),
        out_dtype=y,
    )


@pytest.mark.parametrize("rms", [False, True])
@pytest.mark.parametrize("channels", [16, 192, 2048])
def test_close_to_float(rms: bool, channels: int) -> None:
    rng = np.random.default_rng(channels)
    x = rng.normal(0.3, 2, (1, 50, channels)).astype(np.float32)
    x[:, :, 3] *= 8  # transformers have such channels
    gamma = rng.normal(1, 0.3, channels).astype(np.float32)
    beta = rng.normal(0, 0.5, channels).astype(np.float32)
    consts = {1: (gamma, TensorType(gamma.shape), gamma), 2: (beta, TensorType(beta.shape), beta)}
    attrs = {"epsilon": 1e-6, "rms": rms}

    def ratio(x_type: DType, y_type: DType) -> float:
        return snr("layer_norm", {0: x}, attrs, consts=consts, dtypes=[x_type], out_dtype=y_type)

    eight = ratio(DType.I16, DType.I8)
    assert eight > 28  # limited by the output's 8 bits alone
    assert abs(ratio(DType.I8, DType.I8) - eight) < 1
    assert ratio(DType.I16, DType.I16) > 72


def test_a_constant_row_gives_beta() -> None:
    y = Quant.of(0.02, 10)
    ins = [TensorType((1, 1, 8), DType.I8, Quant.of(0.1, 3)), TensorType((8,)), TensorType((8,))]
    beta = np.linspace(-1, 1, 8, dtype=np.float32)
    got = check_call(
        "layer_norm",
        ins,
        {"epsilon": 0.0},
        consts={1: np.ones(8, np.float32), 2: beta},
        values={0: np.full((1, 1, 8), 77, np.int8)},
        out_quant=y,
    )
    assert np.array_equal(got[0, 0], np.floor(beta.astype(float) / y.s + 10.5))


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 2**63 - 1))
def test_roots(d: int) -> None:
    y, shift = (int(v) for v in rsqrt(np.array(d)))
    assert abs(y * 2.0**-shift * d**0.5 - 1) < 2.0**-28 and y < 2**31
    d = d % (2**32 - 1) + 1
    y, shift = (int(v) for v in inverse(np.array(d)))
    assert abs(y * 2.0**-shift * d - 1) < 2.0**-28 and y < 2**31


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 32767), st.floats(-12, 4), st.floats(-12, 4))
def test_formats_hold_the_worst_case(count: int, gamma: float, beta: float) -> None:
    """One value stands out as far as it can; no intermediate leaves 32 bits."""
    p = NormParams.of(
        count, np.array([10.0**gamma]), np.array([10.0**beta]), 0.0, Quant.of(1.0), Quant.of(0.03)
    )
    highest = np.ceil(np.sqrt(count) * 2**p.fraction)
    assert highest * 4 < 2**31
    assert abs(int(highest) * int(p.gamma[0])) / 2**16 + abs(int(p.beta[0])) < 2**31


def test_only_the_last_axis() -> None:
    with pytest.raises(OpError):
        registry()["layer_norm"].infer(
            Call("n", "", {"epsilon": 1e-5}, (TensorType((1, 4, 8)), TensorType((4, 8))), (), (None, None))
        )
