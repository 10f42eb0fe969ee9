"""Coded weights: the kernels against the integer reference, in every form."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgec.ir import DType, Quant, TensorType
from edgec.ops.forms import Form
from tests.kernels import check_call, quants

FORMS = ["int4", "int4/16", "codebook2", "codebook3", "codebook4", "codebook5", "codebook6"]


def encodable(form: str, outputs: int, inputs: int, rng: np.random.Generator) -> np.ndarray:
    """Weights that a form holds, int8 [outputs, inputs]."""
    known = Form.parse(form)
    assert known is not None
    if known.book:
        book = rng.choice(np.arange(-127, 128), 1 << known.bits, replace=False)
        book[0] = 0
        return rng.choice(book, (outputs, inputs)).astype(np.int8)
    w = rng.integers(-7, 8, (outputs, inputs))
    if not known.group:
        return (16 * w).astype(np.int8)
    factors = rng.integers(1, 19, (-(-outputs // 4), -(-inputs // known.group)))
    factors = factors.repeat(4, axis=0)[:outputs].repeat(known.group, axis=1)[:, :inputs]
    return (w * factors).astype(np.int8)


@settings(max_examples=25, deadline=None)
@given(st.data(), st.sampled_from(FORMS))
def test_linear(data: st.DataObject, form: str) -> None:
    draw = data.draw
    lead = draw(st.sampled_from([(1,), (1, 5), (3,), (1, 2, 3), (2, 3), (1, 9)]))
    k = draw(st.sampled_from([16, 32, 48] if "/" in form else [1, 3, 7, 12, 26, 33]))
    o = draw(st.integers(1, 26))
    wide = draw(st.booleans())
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    xq, yq = draw(quants), draw(quants)
    scales = tuple(float(np.float32(s)) for s in rng.uniform(0.001, 0.02, o))
    w = encodable(form, o, k, rng)
    b = rng.integers(-(2**12), 2**12, o).astype(np.int32)
    ins = [
        TensorType((*lead, k), DType.I8, xq),
        TensorType(w.shape, DType.I8, Quant(scales, (0,) * o, 0)),
        TensorType(b.shape, DType.I32),
    ]
    check_call(
        "linear",
        ins,
        {"form": form, "block": draw(st.integers(0, 8))},
        consts={1: w, 2: b},
        out_quant=Quant.of(yq.s / 64) if wide else yq,
        out_dtype=DType.I16 if wide else DType.I8,
        seed=draw(st.integers(0, 99)),
    )


@settings(max_examples=20, deadline=None)
@given(st.data(), st.sampled_from(FORMS))
def test_conv2d(data: st.DataObject, form: str) -> None:
    draw = data.draw
    c = 16 if "/" in form else draw(st.sampled_from([1, 3, 4, 5]))
    kernel = draw(st.sampled_from([(1, 1), (3, 3), (2, 3)]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    o = draw(st.integers(1, 20))
    w = encodable(form, o, kernel[0] * kernel[1] * c, rng).reshape(o, *kernel, c)
    x = TensorType((1, draw(st.integers(3, 6)), draw(st.integers(3, 7)), c), DType.I8, draw(quants), "NHWC")
    scales = tuple(float(np.float32(s)) for s in rng.uniform(0.001, 0.02, o))
    attrs = {
        "form": form,
        "stride": draw(st.sampled_from([(1, 1), (2, 1), (2, 2)])),
        "padding": draw(st.sampled_from([(0, 0, 0, 0), (1, 1, 1, 1), (0, 1, 1, 0)])),
        "dilation": draw(st.sampled_from([(1, 1), (1, 1), (1, 2)])) if kernel == (1, 1) else (1, 1),
        "block": draw(st.integers(0, 2)),
    }
    ins = [x, TensorType(w.shape, DType.I8, Quant(scales, (0,) * o, 0))]
    check_call("conv2d", ins, attrs, consts={1: w}, out_quant=draw(quants), seed=draw(st.integers(0, 99)))


@pytest.mark.parametrize("form", FORMS)
def test_outputs_in_parts(form: str) -> None:
    """More weights than are taken apart at a time, and a last part that is no whole unit."""
    w = encodable(form, 42, 256, np.random.default_rng(1))
    x = TensorType((9, 256), DType.I8, Quant.of(0.05, 3))
    ins = [x, TensorType(w.shape, DType.I8, Quant.of(0.01))]
    check_call("linear", ins, {"form": form, "block": 4}, consts={1: w}, out_quant=Quant.of(0.5, -2))
