"""pointwise: kernels against the reference, tables against the functions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgec.ir import DType, Quant, TensorType
from edgec.ops.base import Call, OpError, registry
from edgec.ops.functions import FUNCTIONS, erf, evaluate
from edgec.ops.pointwise import Pointwise
from edgec.ops.tflm_tables import BASE, TABLES
from tests.closeness import snr
from tests.kernels import check_call, quants

POSITIVE = ("log", "log1p", "log2", "log10", "acos", "asin", "sqrt", "rsqrt", "reciprocal")
GIVEN = {"power": {"exponent": 3.0}, "threshold": {"threshold": 0.25}}


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_kernel(data: st.DataObject) -> None:
    draw = data.draw
    fn = draw(st.sampled_from(sorted(FUNCTIONS)))
    x, y = draw(st.sampled_from([DType.I8, DType.I16])), draw(st.sampled_from([DType.I8, DType.I16]))
    shape = draw(st.sampled_from([(1, 7), (2, 3, 5), (1, 4, 3, 6), (1, 1, 1, 1), (2, 43)]))
    xq, yq = draw(quants), draw(quants)
    check_call(
        "pointwise",
        [TensorType(shape, x, Quant.of(xq.s / 256) if x == DType.I16 else xq)],
        {"fn": fn, **GIVEN.get(fn, {}), "pre_scale": draw(st.sampled_from([1.0, -0.3]))},
        out_quant=Quant.of(yq.s / 256) if y == DType.I16 else yq,
        out_dtype=y,
        seed=draw(st.integers(0, 99)),
    )


def test_every_int8_value_is_correctly_rounded() -> None:
    x, y = Quant.of(0.05, 3), Quant.of(0.03, -90)
    table = Pointwise().table(_call("gelu", x, y))
    for q in range(-128, 128):
        v = 0.05 * (q - 3)
        exact = 0.5 * v * (1 + math.erf(v / math.sqrt(2))) / 0.03 - 90
        assert table[q + 128] == min(max(math.floor(exact + 0.5), -128), 127)


@pytest.mark.parametrize("fn", sorted(FUNCTIONS))
@pytest.mark.parametrize("wide", [False, True])
def test_close_to_float(fn: str, wide: bool) -> None:
    rng = np.random.default_rng(0)
    domain = (0.3, 0.9) if fn in POSITIVE else (-1, 1) if fn == "tan" else (-3, 3)
    x = rng.uniform(*domain, (1, 5000)).astype(np.float32)
    dtype = DType.I16 if wide else DType.I8
    ratio = snr("pointwise", {0: x}, {"fn": fn, **GIVEN.get(fn, {})}, dtypes=[dtype], out_dtype=dtype)
    steps = fn in ("sign", "round", "floor", "ceil", "trunc", "hard_shrink", "threshold")
    assert ratio > (20 if steps else 60 if wide else 35)


@pytest.mark.parametrize("fn", sorted(TABLES))
@pytest.mark.parametrize("scale", [0.004, 0.047, 0.2])
def test_tflm_tables_stay_near_the_function(fn: str, scale: float) -> None:
    x = Quant.of(float(np.float32(scale)), 5)
    y = {"tflm_logistic": Quant.of(1 / 256, -128), "tflm_tanh": Quant.of(1 / 128), "tflm_relu6": x}.get(
        fn, Quant.of(float(np.float32(scale * 1.01)), -4)
    )
    got = Pointwise().table(_call(fn, x, y, alpha=0.1)).astype(float)
    real = evaluate(BASE[fn], x.s * (np.arange(-128, 128) - x.z), {"alpha": 0.1})
    want = np.clip(real / y.s + y.z, -128, 127)
    assert np.abs(got - want).max() < (1.7 if fn == "tflm_hard_swish" else 1.01)


def test_tflm_tables_known_values() -> None:
    """TFLM's logistic and tanh by hand: the middle is exact, the ends saturate."""
    x = Quant.of(1 / 16)
    sigmoid = Pointwise().table(_call("tflm_logistic", x, Quant.of(1 / 256, -128)))
    assert (sigmoid[128], sigmoid[0], sigmoid[255]) == (0, -128, 127)
    tanh = Pointwise().table(_call("tflm_tanh", x, Quant.of(1 / 128)))
    assert (tanh[128], tanh[0], tanh[255]) == (0, -128, 127)
    assert np.array_equal(np.maximum(tanh[1:128], -127), -tanh[:128:-1])


def test_outside_the_domain_the_nearest_value() -> None:
    table = Pointwise().table(_call("sqrt", Quant.of(0.01), Quant.of(0.01, -100)))
    assert set(table[:129].tolist()) == {-100}
    table = Pointwise().table(_call("log", Quant.of(0.01), Quant.of(0.05, 100)))
    assert set(table[:129].tolist()) == {-128}


def test_erf() -> None:
    x = np.linspace(-7, 7, 2001)
    assert np.abs(erf(x) - [math.erf(v) for v in x]).max() < 1e-13


def test_unknown_functions_and_missing_parameters() -> None:
    x = TensorType((1, 3))
    for attrs in ({"fn": "fast_gelu"}, {"fn": "power"}, {"fn": "tflm_tanh", "pre_scale": 2.0}):
        with pytest.raises(OpError):
            registry()["pointwise"].infer(Call("p", "", attrs, (x,), (), (None,)))


def _call(fn: str, x: Quant, y: Quant, **attrs: float) -> Call:
    ins, outs = TensorType((1, 4), DType.I8, x), TensorType((1, 4), DType.I8, y)
    return Call("p", "", {"fn": fn, **attrs}, (ins,), (outs,), (None,))
