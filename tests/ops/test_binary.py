"""add, sub, mul, maximum, minimum: the kernels against the integer reference, with broadcasting."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from edgec.ir import DType, Quant, TensorType
from edgec.ops.base import Call, OpError, registry
from tests.kernels import check_call

OPS = ["add", "sub", "mul", "maximum", "minimum"]


@st.composite
def shapes(draw: st.DrawFn) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Two shapes that broadcast; often equal."""
    full = draw(st.lists(st.integers(1, 5), min_size=1, max_size=4))
    if draw(st.booleans()):
        full[-1] = draw(st.sampled_from([16, 17, 33]))
    result = []
    for _ in range(2):
        shape = [n if draw(st.integers(0, 3)) else 1 for n in full] if draw(st.booleans()) else full
        cut = draw(st.sampled_from([0, 0, 0, 1, 2]))
        result.append(tuple(shape[min(cut, len(shape) - 1) :]))
    return result[0], result[1]


@st.composite
def formats(draw: st.DrawFn) -> tuple[DType, Quant]:
    dtype = draw(st.sampled_from([DType.I8, DType.I8, DType.I16]))
    scale = float(np.float32(2.0 ** draw(st.floats(-9, -1))))
    if dtype == DType.I16:
        return dtype, Quant.of(scale / 256, draw(st.sampled_from([0, 0, 1000, -32768])))
    return dtype, Quant.of(scale, draw(st.integers(-128, 127)))


@settings(max_examples=25, deadline=None)
@given(
    op=st.sampled_from(OPS),
    shape=shapes(),
    kinds=st.tuples(formats(), formats(), formats()),
    constant=st.sampled_from([None, None, 0, 1]),
    activation=st.sampled_from(["", "relu", "relu6"]),
    seed=st.integers(0, 999),
)
def test_kernel(
    op: str,
    shape: tuple[tuple[int, ...], tuple[int, ...]],
    kinds: tuple[tuple[DType, Quant], ...],
    constant: int | None,
    activation: str,
    seed: int,
) -> None:
    ins = [TensorType(s, *kind) for s, kind in zip(shape, kinds, strict=False)]
    consts = {}
    if constant is not None:
        t, rng = ins[constant], np.random.default_rng(seed)
        consts[constant] = rng.integers(*t.dtype.limits, t.shape, endpoint=True).astype(t.dtype.numpy)
    attrs = {"activation": activation} if op in ("add", "sub", "mul") else {}
    try:
        data = tuple(consts.get(k) for k in range(2))
        registry()[op].infer(Call(op, "", attrs, tuple(ins), (), data))
    except OpError:
        assume(False)
    check_call(op, ins, attrs, consts=consts, out_dtype=kinds[2][0], out_quant=kinds[2][1], seed=seed)


@pytest.mark.parametrize("op", ["add", "sub", "mul"])
@pytest.mark.parametrize("wide", ["", "a", "b", "ab", "y", "ay", "by", "aby"])
@pytest.mark.parametrize("finer", ["a", "b"])
@pytest.mark.parametrize("activation", ["", "relu"])
def test_kernel_with_the_dsp_extension(op: str, wide: str, finer: str, activation: str) -> None:
    """Every loop of the kernels that are for it, values from end to end of their types."""
    types = {}
    for name, scale, zero in (("a", 0.02, 3), ("b", 0.02, -7), ("y", 0.5 if op == "mul" else 0.05, 5)):
        scale *= 0.3 if name == finer else 1
        q = Quant.of(scale / 256) if name in wide else Quant.of(scale, zero)
        types[name] = TensorType((3, 5, 33), DType.I16 if name in wide else DType.I8, q)
    ins, y = (types["a"], types["b"]), types["y"]
    attrs = {"activation": activation}
    call = Call(op, "", attrs, ins, (y,), (None, None), frozenset({"dsp"}))
    whole = activation == "" or (op != "mul" and wide == "")
    served = {"add": whole and wide in ("", "y", "ay", "by", "aby"), "sub": wide == ""}
    served["mul"] = whole and wide not in ("ab", "aby")
    assert registry()[op].kernel(call).feature == ("dsp" if served[op] else "")
    edges = {k: np.resize(np.array(t.dtype.limits, t.dtype.numpy), t.shape) for k, t in enumerate(ins)}
    for values in ({}, edges, {0: edges[0], 1: np.ascontiguousarray(edges[1][..., ::-1])}):
        check_call(op, ins, attrs, out_dtype=y.dtype, out_quant=y.q, values=values)


@pytest.mark.parametrize("op", OPS)
def test_meaning(op: str) -> None:
    """The integer results are the real ones to half a unit and a little."""
    rng = np.random.default_rng(1)
    a, b = (rng.integers(-128, 128, (1, 3, 4, 5)).astype(np.int8) for _ in range(2))
    types = [
        TensorType(a.shape, DType.I8, Quant.of(0.02, 3)),
        TensorType(b.shape, DType.I8, Quant.of(0.03, -7)),
    ]
    out = Quant.of(0.1, 5)
    y = check_call(op, types, out_quant=out, values={0: a, 1: b})
    reals = [t.q.s * (x.astype(float) - t.q.z) for x, t in zip((a, b), types, strict=True)]
    real = {
        "add": np.add,
        "sub": np.subtract,
        "mul": np.multiply,
        "maximum": np.maximum,
        "minimum": np.minimum,
    }
    want = np.clip(real[op](*reals), 0.1 * (-128 - 5), 0.1 * (127 - 5))
    assert np.abs(0.1 * (y.astype(float) - 5) - want).max() < 0.051
