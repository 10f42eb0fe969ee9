"""conv2d and depthwise_conv2d: the kernels against the integer reference."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from edgec.ir import Attr, DType, Quant, TensorType
from edgec.ops.base import Call, OpError, registry
from tests.kernels import check_call, quants

ACTIVATIONS = st.sampled_from(["", "relu", "relu6", "relu_n1_to_1"])


@st.composite
def windows(draw: st.DrawFn) -> dict[str, Attr]:
    pair = st.tuples(st.integers(1, 3), st.integers(1, 3))
    padding = st.one_of(st.just((0, 0, 0, 0)), st.tuples(*[st.integers(0, 2)] * 4))
    return {
        "kernel": draw(pair),
        "stride": draw(pair),
        "dilation": draw(st.one_of(st.just((1, 1)), pair)),
        "padding": draw(padding),
        "activation": draw(ACTIVATIONS),
    }


def kernel_of(attrs: dict[str, Attr]) -> tuple[int, int]:
    kernel = attrs.pop("kernel")
    assert isinstance(kernel, tuple)
    kh, kw = kernel
    assert isinstance(kh, int) and isinstance(kw, int)
    return kh, kw


def weights(shape: tuple[int, ...], seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(-127, 128, shape).astype(np.int8)


def conv(
    op: str, x: TensorType, w: np.ndarray, axis: int, bias: bool, attrs: dict[str, Attr], yq: Quant, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    n: int = w.shape[axis]
    scales = tuple(rng.uniform(0.0005, 0.05, n).astype(np.float32).tolist())
    b: np.ndarray = rng.integers(-(2**10), 2**10, n).astype(np.int32)
    ins = [x, TensorType(w.shape, DType.I8, Quant(scales, (0,) * n, axis)), TensorType(b.shape, DType.I32)]
    consts: dict[int, np.ndarray] = {1: w, 2: b}
    if not bias:
        ins, consts = ins[:2], {1: w}
    try:
        registry()[op].infer(Call(op, "", attrs, tuple(ins), (), (None, *consts.values())))
    except OpError:
        assume(False)
    check_call(op, ins, attrs, consts=consts, out_quant=yq, seed=seed)


@settings(max_examples=25, deadline=None)
@given(
    attrs=windows(),
    shape=st.tuples(st.integers(1, 2), st.integers(1, 7), st.integers(1, 7), st.integers(1, 9)),
    groups=st.sampled_from([1, 1, 1, 2, 3]),
    outputs=st.integers(1, 7),
    quant=st.tuples(quants, quants),
    bias=st.booleans(),
    seed=st.integers(0, 2**16),
)
def test_conv2d(
    attrs: dict[str, Attr],
    shape: tuple[int, int, int, int],
    groups: int,
    outputs: int,
    quant: tuple[Quant, Quant],
    bias: bool,
    seed: int,
) -> None:
    n, h, width, c = shape
    w = weights((outputs * groups, *kernel_of(attrs), c), seed)
    x = TensorType((n, h, width, c * groups), DType.I8, quant[0])
    conv("conv2d", x, w, 0, bias, attrs | {"groups": groups, "apart": seed % 2 == 1}, quant[1], seed)


@pytest.mark.parametrize(
    ("shape", "kernel", "stride", "outputs"),
    [
        ((1, 6, 5, 8), (1, 1), (1, 1), 8),
        ((1, 8, 1, 6), (3, 1), (1, 1), 6),
        ((1, 8, 8, 3), (4, 4), (4, 4), 40),
    ],
)
def test_conv2d_in_place(
    shape: tuple[int, ...], kernel: tuple[int, int], stride: tuple[int, int], outputs: int
) -> None:
    """Pointwise, one pixel a row, patches: the forms that may write over their input."""
    w = weights((outputs, *kernel, shape[3]), 1)
    attrs: dict[str, Attr] = {"stride": stride}
    x = TensorType(shape, DType.I8, Quant.of(0.05, 4))
    out = registry()["conv2d"].infer(Call("", "", attrs, (x, TensorType(w.shape)), (), (None, w)))
    call = Call("", "", attrs, (x, TensorType(w.shape)), tuple(out), (None, w))
    assert registry()["conv2d"].overwrites(call) == (0,)
    conv("conv2d", x, w, 0, True, attrs, Quant.of(0.3, -3), 5)


@settings(max_examples=25, deadline=None)
@given(
    attrs=windows(),
    shape=st.tuples(st.integers(1, 2), st.integers(1, 7), st.integers(1, 7), st.integers(1, 11)),
    multiplier=st.sampled_from([1, 1, 1, 2, 3]),
    quant=st.tuples(quants, quants),
    bias=st.booleans(),
    seed=st.integers(0, 2**16),
)
def test_depthwise(
    attrs: dict[str, Attr],
    shape: tuple[int, int, int, int],
    multiplier: int,
    quant: tuple[Quant, Quant],
    bias: bool,
    seed: int,
) -> None:
    w = weights((*kernel_of(attrs), shape[3] * multiplier), seed)
    conv("depthwise_conv2d", TensorType(shape, DType.I8, quant[0]), w, 2, bias, attrs, quant[1], seed)


@pytest.mark.parametrize("taps", [2, 3, 5])
def test_depthwise_signal_in_place(taps: int) -> None:
    """One pixel a row, stride 1: each row may be written over the first one it needs."""
    attrs: dict[str, Attr] = {"padding": (taps - 1, 0, 0, 0)}
    conv(
        "depthwise_conv2d",
        TensorType((1, 9, 1, 10), DType.I8, Quant.of(0.1, 3)),
        weights((taps, 1, 10), 2),
        2,
        True,
        attrs,
        Quant.of(0.5, -3),
        5,
    )


@pytest.mark.parametrize("rows", [8, 9])
def test_depthwise_of_many_rows(rows: int) -> None:
    """Beyond 16 taps their addresses lie in scratch."""
    attrs: dict[str, Attr] = {"padding": (rows - 1, 1, 2, 1)}
    x = TensorType((1, 6, 3, 5), DType.I8, Quant.of(0.1, 3))
    conv("depthwise_conv2d", x, weights((rows, 2, 5), 2), 2, True, attrs, Quant.of(0.5, -3), 5)


@pytest.mark.parametrize(
    ("kernel", "attrs", "direct"),
    [
        ((1, 1), {"stride": (2, 2)}, True),
        ((1, 4), {"stride": (1, 4)}, True),
        ((1, 3), {"padding": (0, 0, 0, 1)}, False),
        ((1, 3), {"dilation": (1, 2)}, False),
        ((2, 1), {}, False),
        ((1, 1), {"groups": 2}, False),
    ],
)
def test_taps_in_one_row_are_not_gathered(
    kernel: tuple[int, int], attrs: dict[str, Attr], direct: bool
) -> None:
    groups = attrs.get("groups", 1)
    assert isinstance(groups, int)
    x = TensorType((1, 5, 8, 4), DType.I8, Quant.of(0.05, 4))
    w = weights((4, *kernel, 4 // groups), 1)
    types = (x, TensorType(w.shape, DType.I8, Quant.of(0.01)))
    out = registry()["conv2d"].infer(Call("", "", attrs, types, (), (None, w)))
    call = Call("", "", attrs, types, (out[0].with_(dtype=DType.I8, quant=x.quant),), (None, w))
    found = registry()["conv2d"].kernel(call)
    assert (found.scratch, found.copies) == ((0, kernel[1] * 4) if direct else (kernel[0] * kernel[1] * 4, 0))
    conv("conv2d", x, w, 0, True, attrs, Quant.of(0.3, -3), 5)
