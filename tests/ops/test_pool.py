"""avg_pool2d and max_pool2d: the kernels against the integer reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from edgec.ir import Attr, DType, Quant, TensorType
from edgec.ops.base import Call, OpError, registry
from tests.kernels import check_call, lengths, quants

PAIR = st.tuples(st.integers(1, 4), st.integers(1, 4))


@settings(max_examples=40, deadline=None)
@given(
    op=st.sampled_from(["avg_pool2d", "max_pool2d"]),
    shape=st.tuples(st.integers(1, 2), st.integers(1, 7), st.integers(1, 7), lengths(6)),
    kernel=PAIR,
    stride=PAIR,
    dilation=st.one_of(st.just((1, 1)), PAIR),
    padding=st.one_of(st.just((0, 0, 0, 0)), st.tuples(*[st.integers(0, 2)] * 4)),
    include=st.booleans(),
    activation=st.sampled_from(["", "relu", "relu6"]),
    quant=quants,
)
def test_kernel(op: str, shape: tuple[int, ...], quant: Quant, include: bool, **attrs: Any) -> None:
    if op == "avg_pool2d":
        attrs |= {"count_include_pad": include, "dilation": (1, 1)}
    x = TensorType(shape, DType.I8, quant)
    try:
        registry()[op].infer(Call(op, "", attrs, (x,), (), (None,)))
    except OpError:
        assume(False)
    check_call(op, [x], attrs)


@pytest.mark.parametrize("op", ["avg_pool2d", "max_pool2d"])
@pytest.mark.parametrize("shape", [(1, 6, 8, 5), (1, 7, 9, 3), (2, 2, 2, 4), (1, 4, 6, 27)])
def test_tiles_in_place(op: str, shape: tuple[int, ...]) -> None:
    attrs: dict[str, Attr] = {"kernel": (2, 2), "stride": (2, 2)}
    check_call(op, [TensorType(shape, DType.I8, Quant.of(0.1, 5))], attrs)


@pytest.mark.parametrize("channels", [9, 27])
def test_global_in_place(channels: int) -> None:
    attrs: dict[str, Attr] = {"kernel": (5, 4)}
    y = check_call("avg_pool2d", [TensorType((1, 5, 4, channels), DType.I8, Quant.of(0.1, 5))], attrs)
    assert y.shape == (1, 1, 1, channels)


def test_large_windows() -> None:
    """More taps than sums of 16 bits have room for, and more than the division by a product allows."""
    for height, width in ((2, 300), (64, 70)):
        x = TensorType((1, height, width, 9), DType.I8, Quant.of(0.1, 5))
        lowest = np.full(x.shape, -128, np.int8)
        for values in ({}, {0: lowest}):
            check_call("avg_pool2d", [x], {"kernel": (height, width)}, values=values)


def test_mean_rounds_half_away() -> None:
    x = np.array([[1, 2], [-1, -2]], np.int8).reshape(1, 2, 2, 1)
    attrs: dict[str, Attr] = {"kernel": (1, 2)}
    y = check_call("avg_pool2d", [TensorType(x.shape, DType.I8, Quant.of(1.0))], attrs, values={0: x})
    assert y.ravel().tolist() == [2, -2]
