"""View ops: numpy's meaning against the composed view map, and the two kernels."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgec.ir import DType, Quant, TensorType
from edgec.ops.base import Call, OpError, registry
from edgec.ops.strided_copy import MAX_LOOPS
from edgec.ops.view import View
from edgec.ops.viewmap import ViewMap
from tests.kernels import check_call

DTYPES = st.sampled_from([DType.I8, DType.I16, DType.I32])


def factors(n: int) -> list[int]:
    return [k for k in range(1, n + 1) if n % k == 0]


@st.composite
def steps(draw: st.DrawFn, shape: tuple[int, ...]) -> tuple[str, dict[str, object]]:
    """A view op with attributes that fit the shape."""
    rank = len(shape)
    op = draw(st.sampled_from(["reshape", "transpose", "slice", "take", "expand"]))
    if op == "reshape":
        left, new = math.prod(shape), []
        while left > 1 and len(new) < 4:
            new.append(draw(st.sampled_from(factors(left))))
            left //= new[-1]
        return op, {"shape": (*new, left)}
    if op == "transpose":
        return op, {"perm": tuple(draw(st.permutations(range(rank))))}
    if op == "take":
        axis = draw(st.integers(0, rank - 1))
        index = st.integers(0, shape[axis] - 1)
        return op, {"axis": axis, "indices": tuple(draw(st.lists(index, min_size=1, max_size=5)))}
    if op == "expand":
        grown = tuple(draw(st.integers(1, 3)) if n == 1 else n for n in shape)
        return op, {"shape": (*draw(st.sampled_from([(), (2,)])), *grown)}
    starts, stops, strides = [], [], []
    for n in shape:
        start = draw(st.integers(0, n - 1))
        step = draw(st.sampled_from([1, 1, 2, 3, -1, -2]))
        stop = draw(st.integers(start + 1, n)) if step > 0 else draw(st.integers(-1, start - 1))
        starts.append(start), stops.append(stop), strides.append(step)
    return op, {"starts": tuple(starts), "stops": tuple(stops), "steps": tuple(strides)}


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_view_map_follows_numpy(data: st.DataObject) -> None:
    shape = tuple(data.draw(st.lists(st.integers(1, 6), min_size=1, max_size=4)))
    x = np.arange(math.prod(shape), dtype=np.int32).reshape(shape)
    view, base = ViewMap.whole(shape), x
    for _ in range(data.draw(st.integers(1, 5))):
        if x.size > 3000:
            break
        name, attrs = data.draw(steps(tuple(x.shape)))
        op = registry()[name]
        assert isinstance(op, View)
        t = TensorType(tuple(x.shape), DType.I32)
        call = Call(name, "", attrs, (t,), (), (None,))
        (out,) = op.infer(call)
        x = op.float_reference(call, x)
        view = op.push(call, view)
        assert out.shape == x.shape == view.shape
    np.testing.assert_array_equal(view.indices(), x)
    assert view.is_identity(base.size) == np.array_equal(x.reshape(-1), base.reshape(-1))
    again = ViewMap.of_index(x)
    np.testing.assert_array_equal(again.indices(), x)
    if view.index is None:
        assert again.index is None, "strides are there, but were not found from the indices"


def test_strides_survive_a_reshape_that_numpy_must_copy() -> None:
    view = ViewMap.whole((4, 6, 8)).transpose((2, 0, 1)).reshape((32, 6))
    assert view.loops() == [(8, 1), (24, 8)]


def test_an_uneven_split_falls_back_to_indices() -> None:
    view = ViewMap.whole((4, 6)).transpose((1, 0)).reshape((8, 3))
    assert view.index is not None


@st.composite
def strided(draw: st.DrawFn) -> tuple[TensorType, dict[str, object]]:
    loops = draw(st.integers(1, MAX_LOOPS))
    sizes = tuple(draw(st.integers(1, 4)) for _ in range(loops))
    strides = tuple(draw(st.integers(-3, 7)) for _ in range(loops))
    ends = [(n - 1) * s for n, s in zip(sizes, strides, strict=True)]
    offset = -sum(min(e, 0) for e in ends) + draw(st.integers(0, 3))
    need = offset + sum(max(e, 0) for e in ends) + 1
    row = draw(st.integers(1, 9))
    shape = draw(st.sampled_from([(1, -(-need // row), row), (1, -(-need // (2 * row)), 2, row)]))
    n = math.prod(sizes)
    result = draw(st.sampled_from([(1, n), (n, 1), (1, n // sizes[-1], sizes[-1]), (1, n, 1, 1)]))
    dtype = draw(DTYPES)
    quant = Quant.of(0.5, 3) if dtype == DType.I8 else None
    attrs = {"shape": result, "sizes": sizes, "strides": strides, "offset": offset}
    return TensorType(shape, dtype, quant), attrs


@settings(max_examples=40, deadline=None)
@given(strided(), st.integers(0, 99))
def test_strided_copy_kernel(case: tuple[TensorType, dict[str, object]], seed: int) -> None:
    x, attrs = case
    check_call("strided_copy", [x], attrs, out_dtype=x.dtype, seed=seed)


@settings(max_examples=40, deadline=None)
@given(st.data(), DTYPES, st.integers(0, 99))
def test_gather_kernel(data: st.DataObject, dtype: DType, seed: int) -> None:
    rows, row = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 8))
    chunk = data.draw(st.sampled_from(factors(rows * row)))
    index = st.integers(0, rows * row // chunk - 1)
    source = np.array(data.draw(st.lists(index, min_size=1, max_size=8)), np.int32)
    n = source.size * chunk
    shape = data.draw(st.sampled_from([(1, n), (1, source.size, chunk), (n, 1), (1, n, 1, 1)]))
    quant = Quant.of(0.5, 3) if dtype == DType.I8 else None
    ins = [TensorType((1, rows, row), dtype, quant), TensorType(source.shape, DType.I32)]
    check_call(
        "gather", ins, {"shape": shape, "chunk": chunk}, consts={1: source}, out_dtype=dtype, seed=seed
    )


@pytest.mark.parametrize(
    ("op", "attrs"),
    [
        ("reshape", {"shape": (5, 5)}),
        ("transpose", {"perm": (0, 0)}),
        ("slice", {"starts": (0, 0), "stops": (4, 7), "steps": (1, 1)}),
        ("slice", {"starts": (0, 0), "stops": (4, 6), "steps": (1, 0)}),
        ("take", {"axis": 1, "indices": (6,)}),
        ("take", {"axis": 2, "indices": (0,)}),
        ("expand", {"shape": (8, 6)}),
        ("strided_copy", {"shape": (24,), "sizes": (24,), "strides": (1,), "offset": 1}),
        ("strided_copy", {"shape": (24,), "sizes": (12,), "strides": (1,), "offset": 0}),
    ],
)
def test_operands_that_do_not_fit(op: str, attrs: dict[str, object]) -> None:
    call = Call(op, "", attrs, (TensorType((4, 6)),), (), (None,))
    with pytest.raises(OpError):
        registry()[op].infer(call)
