"""linear: the kernels against the integer reference."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgec.ir import DType, Quant, TensorType
from edgec.ops.base import Call, registry
from tests.kernels import check_call, quants

DSP = frozenset({"dsp"})


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_kernel(data: st.DataObject) -> None:
    draw = data.draw
    lead = draw(st.sampled_from([(1,), (1, 5), (3,), (1, 2, 3), (2, 3), (1, 9)]))
    k, o = draw(st.integers(1, 40)), draw(st.integers(1, 20))
    wide = draw(st.booleans())
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    xq, yq = draw(quants), draw(quants)
    if wide:
        yq = Quant.of(yq.s / 64)
    n = draw(st.sampled_from([1, o]))
    scales = tuple(float(np.float32(s)) for s in rng.uniform(0.001, 0.02, n))
    w = rng.integers(-127, 128, (o, k)).astype(np.int8)
    b = rng.integers(-(2**12), 2**12, o).astype(np.int32)
    ins: list[TensorType] = [
        TensorType((*lead, k), DType.I8, xq),
        TensorType(w.shape, DType.I8, Quant(scales, (0,) * n, 0 if n > 1 else None)),
        TensorType(b.shape, DType.I32),
    ]
    consts: dict[int, np.ndarray] = {1: w, 2: b}
    if draw(st.booleans()):
        ins, consts = ins[:2], {1: w}
    check_call(
        "linear",
        ins,
        {
            "activation": draw(st.sampled_from(["", "relu", "relu6"])),
            "block": draw(st.integers(0, 8)),
            "apart": draw(st.booleans()),
        },
        consts=consts,
        out_quant=yq,
        out_dtype=DType.I16 if wide else DType.I8,
        seed=draw(st.integers(0, 99)),
    )


@pytest.mark.parametrize("apart", [False, True], ids=["own", "shared"])
@pytest.mark.parametrize("dtype", [DType.I8, DType.I16], ids=["s8", "s16"])
def test_outputs_in_parts(dtype: DType, apart: bool) -> None:
    """More weights than stay in a data cache: the outputs of some rows come in several parts."""
    w = np.random.default_rng(1).integers(-127, 128, (42, 150)).astype(np.int8)
    x = TensorType((9, 150), DType.I8, Quant.of(0.05, 3))
    ins = [x, TensorType(w.shape, DType.I8, Quant.of(0.01))]
    out = Quant.of(0.2, -2) if dtype == DType.I8 else Quant.of(0.003)
    check_call("linear", ins, {"block": 8, "apart": apart}, consts={1: w}, out_quant=out, out_dtype=dtype)


@pytest.mark.parametrize("bias", [(1 << 23) - 1, 1 << 23, -(1 << 23), 1 << 24])
def test_a_bias_that_the_tables_cannot_hold(bias: int) -> None:
    """Tables of the DSP kernels have 24 bits for it: beyond, the plain kernel is taken."""
    w = np.ones((5, 12), np.int8)
    b = np.array([0, 100, bias, -7, 1], np.int32)
    ins = [
        TensorType((3, 12), DType.I8, Quant.of(0.05)),
        TensorType(w.shape, DType.I8, Quant.of(1e-7)),
        TensorType(b.shape, DType.I32),
    ]
    fits = -(1 << 23) < bias < 1 << 23
    call = Call("l", "", {}, tuple(ins), (TensorType((3, 5), DType.I8, Quant.of(0.01)),), (None, w, b), DSP)
    assert registry()["linear"].kernel(call).function == ("ec_linear_s8_dsp" if fits else "ec_linear_s8")
    check_call("linear", ins, consts={1: w, 2: b}, out_quant=Quant.of(0.01))
