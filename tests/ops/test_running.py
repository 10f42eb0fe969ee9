"""The running ops and last_row: the kernels against the integer references."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgec.ir import Attr, DType, Quant, TensorType
from edgec.ops.base import Call, OpError, registry
from tests.kernels import check_call, quants

maps = st.sampled_from(
    [(1, 5, 4, 3), (1, 1, 3, 2), (1, 7, 6), (1, 3, 1, 5), (4, 2), (2, 3, 2, 4), (1, 3, 2, 16), (2, 27)]
)


def _columns(data: st.DataObject, x: TensorType) -> dict[str, Attr]:
    draw = data.draw
    columns = draw(st.sampled_from([n for n in range(1, x.row_size + 1) if x.row_size % n == 0]))
    taps = draw(st.integers(1, columns))
    pads = (draw(st.integers(0, taps)), draw(st.integers(0, taps)))
    return {"columns": columns, "taps": taps, "stride": draw(st.integers(1, 3)), "padding": pads}


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_sums(data: st.DataObject) -> None:
    draw = data.draw
    wide_input = draw(st.booleans())
    x = TensorType(draw(maps), DType.I16 if wide_input else DType.I8, draw(quants))
    out = DType.I32 if wide_input else draw(st.sampled_from([DType.I16, DType.I32]))
    check_call("running_sums", [x], _columns(data, x), out_dtype=out, seed=draw(st.integers(0, 99)))


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_maximum(data: st.DataObject) -> None:
    draw = data.draw
    x = TensorType(draw(maps), DType.I8, draw(quants))
    check_call("running_max", [x], _columns(data, x), seed=draw(st.integers(0, 99)))


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_linear(data: st.DataObject) -> None:
    draw = data.draw
    x = TensorType(draw(maps), DType.I8, draw(quants))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    w = rng.integers(-127, 128, (x.rows, draw(st.integers(1, 13)), x.row_size)).astype(np.int8)
    ins = [x, TensorType(w.shape, DType.I8, Quant.of(0.01))]
    check_call("running_linear", ins, consts={1: w}, out_dtype=DType.I32, seed=draw(st.integers(0, 99)))


@settings(max_examples=20, deadline=None)
@given(st.data())
def test_depthwise(data: st.DataObject) -> None:
    draw = data.draw
    shape = tuple(draw(st.integers(1, 6)) for _ in range(3))
    w = np.random.default_rng(draw(st.integers(0, 2**32))).integers(-127, 128, shape).astype(np.int8)
    ins = [TensorType((1, *shape), DType.I8, draw(quants)), TensorType(shape, DType.I8, Quant.of(0.01))]
    check_call("running_depthwise", ins, consts={1: w}, out_dtype=DType.I32, seed=draw(st.integers(0, 99)))


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_last_row(data: st.DataObject) -> None:
    draw = data.draw
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    shape = draw(st.sampled_from([(1, 6), (1, 1, 2, 3), (1, 2, 3), (1, 3, 2, 1)]))
    x = TensorType((1, draw(st.integers(1, 4)), 6), draw(st.sampled_from([DType.I8, DType.I16, DType.I32])))
    n = draw(st.sampled_from([1, 6]))
    offset = rng.integers(-999, 1000, n)
    tables = draw(st.sampled_from(["none", "count", "scale"]))
    consts = {1: offset, 2: rng.integers(1, 60, n)} if tables == "count" else {}
    if tables == "scale":
        consts = {1: offset, 2: rng.integers(2**30, 2**31, n), 3: rng.integers(-20, 3, n)}
    consts = {k: c.astype(np.int32) for k, c in consts.items()}
    lo, hi = sorted(rng.integers(-128, 128, 2).tolist())
    check_call(
        "last_row",
        [x.with_(quant=Quant.of(0.5)), *(TensorType((n,), DType.I32) for _ in consts)],
        {"shape": shape, "lo": lo, "hi": hi},
        consts=consts,
        values={
            0: rng.integers(*((-(2**27), 2**27) if x.dtype == DType.I32 else x.dtype.limits), x.shape).astype(
                x.dtype.numpy
            )
        },
        out_quant=Quant.of(0.1, draw(st.integers(-128, 127))),
        out_dtype=draw(st.sampled_from([DType.I8, DType.I16])),
    )


def test_sums_of_a_map() -> None:
    x = np.array([1, 2, 3, 4, 5, 6, 7, 8], np.int8).reshape(1, 2, 4, 1)
    attrs: dict[str, Attr] = {"columns": 4, "taps": 3, "stride": 2, "padding": (1, 0)}
    types = TensorType(x.shape, DType.I8, Quant.of(1)), TensorType((1, 2, 2), DType.I32)
    call = Call("r", "", attrs, types[:1], types[1:], (None,))
    (shape,) = registry()["running_sums"].infer(call)
    assert shape == types[1]
    y = registry()["running_sums"].integer_reference(call, x)
    assert isinstance(y, np.ndarray)
    assert y.tolist() == [[[3, 9], [3 + 11, 9 + 21]]]


@pytest.mark.parametrize(
    ("op", "ins", "attrs", "words"),
    [
        ("running_sums", [(1, 2, 3, 2)], {"columns": 4}, "windows over 4 columns of rows of 6"),
        ("running_max", [(1, 2, 3, 2)], {"columns": 3, "taps": 4}, "windows over 3 columns"),
        ("running_linear", [(1, 2, 3, 2), (2, 5, 7)], {}, "2 rows of 6 elements do not fit"),
        ("running_depthwise", [(1, 2, 3, 2), (2, 3, 4)], {}, "does not fit weights"),
        ("last_row", [(1, 2, 3)], {"shape": (1, 4)}, "cannot have the shape"),
        ("last_row", [(1, 2, 3), (1,)], {"shape": (1, 3)}, "tables of"),
        ("last_row", [(1, 2, 3), (1,), (3,)], {"shape": (1, 3)}, "some of the tables"),
    ],
)
def test_refusals(op: str, ins: list[tuple[int, ...]], attrs: dict[str, Attr], words: str) -> None:
    attrs = {"taps": 1, "stride": 1, "padding": (0, 0), **attrs}
    with pytest.raises(OpError, match=words):
        registry()[op].infer(Call(op, "", attrs, tuple(map(TensorType, ins)), (), (None,) * len(ins)))
