"""matmul: the kernel against the reference over shapes and strides."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgec.ir import Attr, DType, Quant, TensorType
from edgec.ops.base import Call, OpError, registry
from tests.closeness import snr
from tests.kernels import check_call, lengths, quants


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_kernel(data: st.DataObject) -> None:
    draw = data.draw
    m, n, k = draw(st.integers(1, 9)), draw(lengths(9)), draw(lengths(9))
    lead = draw(st.sampled_from([(1,), (2,), (2, 3), (1, 2)]))
    one = draw(st.sampled_from([None, 0, 1]))
    shapes = [(*lead, m, k), (*lead, k, n)]
    if one is not None:
        shapes[one] = shapes[one][-2:] if draw(st.booleans()) else (*(1,) * len(lead), *shapes[one][-2:])
    ins = [TensorType(s, DType.I8, draw(quants)) for s in shapes]
    consts: dict[int, np.ndarray] = {}
    if draw(st.integers(0, 3)) == 0:
        j = draw(st.integers(0, 1))
        consts[j] = np.random.default_rng(0).integers(-128, 128, shapes[j]).astype(np.int8)
    check_call("matmul", ins, consts=consts, out_quant=draw(quants), seed=draw(st.integers(0, 99)))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_kernel_through_strides(data: st.DataObject) -> None:
    """Operands that are slices of wider tensors, transposed or not, heads side by side."""
    draw = data.draw
    heads, m, n, k = draw(st.integers(1, 5)), draw(st.integers(1, 5)), draw(lengths(5)), draw(lengths(5))
    gap = draw(st.integers(0, 2))
    a_row = heads * k + gap
    attrs: dict[str, Attr] = {"dims": (heads, m, n, k), "a_view": (gap, k, a_row, 1)}
    a_shape: tuple[int, ...] = (1, m, a_row)
    if draw(st.booleans()):  # a transposed
        a_shape, attrs["a_view"] = (1, heads * k, m), (0, k * m, 1, m)
    b_shape: tuple[int, ...]
    form = draw(st.sampled_from(["along k", "along n", "neither", "across rows"]))
    if form == "along k":
        b_shape, attrs["b_view"] = (1, n, heads * k + gap), (gap, k, 1, heads * k + gap)
    elif form == "along n":
        b_shape, attrs["b_view"] = (1, k, heads * n), (0, n, heads * n, 1)
    elif form == "neither":
        b_shape, attrs["b_view"] = (1, k, heads * n * 2), (1, 2 * n, heads * n * 2, 2)
    else:
        b_shape, attrs["b_view"] = (1, heads * k * n, 1), (0, k * n, 1, k)
    ins = [TensorType(s, DType.I8, draw(quants)) for s in (a_shape, b_shape)]
    check_call("matmul", ins, attrs, out_quant=draw(quants), seed=draw(st.integers(0, 99)))


@pytest.mark.parametrize("zero", [-128, -127, 0, 127])
def test_kernel_at_the_ends_of_the_types(zero: int) -> None:
    """Values less their zero point have 9 bits, 255 among them."""
    rng = np.random.default_rng(zero + 128)
    ends = np.array([-128, -127, 126, 127], np.int8)
    quant = Quant.of(0.05, zero)
    attrs: dict[str, Attr] = {"dims": (1, 16, 9, 33), "a_view": (0, 0, 33, 1)}
    for shape, view in (((1, 33, 9), (0, 0, 9, 1)), ((1, 9, 33), (0, 0, 1, 33))):
        values = {0: rng.choice(ends, (1, 16, 33)), 1: rng.choice(ends, shape)}
        ins = [TensorType(v.shape, DType.I8, quant) for v in values.values()]
        y = check_call("matmul", ins, attrs | {"b_view": view}, out_quant=Quant.of(2.0), values=values)
        assert np.unique(y).size > 20 or zero in (-128, -127, 127)


def test_kernel_of_some_size() -> None:
    ins = [TensorType(s, DType.I8, Quant.of(0.02, z)) for s, z in (((1, 2, 20, 67), 5), ((1, 2, 67, 33), -9))]
    check_call("matmul", ins, out_quant=Quant.of(0.1, 3))


def test_close_to_float() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(0.3, 1, (2, 30, 70)), rng.normal(-0.2, 1, (2, 70, 40))
    assert snr("matmul", {0: a.astype(np.float32), 1: b.astype(np.float32)}) > 36


def test_operands_that_do_not_fit() -> None:
    for a, b in (((2, 3, 4), (2, 5, 6)), ((2, 3, 4), (3, 4, 5)), ((4,), (4, 5))):
        with pytest.raises(OpError):
            registry()["matmul"].infer(Call("m", "", {}, (TensorType(a), TensorType(b)), (), (None, None)))
