"""Helium's kernels: what they take, what they leave to others, and sums of every kind."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from edgec.ir import Attr, DType, Quant, TensorType
from edgec.ops.base import Call, registry
from edgec.ops.kernel import Kernel
from tests.kernels import check_call

MVE = frozenset({"dsp", "mve"})


def kernel(
    op: str, x: TensorType, w: np.ndarray, axis: int, scale: float, out: Quant, **attrs: int
) -> Kernel:
    n: int = w.shape[axis]
    types = (x, TensorType(w.shape, DType.I8, Quant((scale,) * n, (0,) * n, axis)))
    found = registry()[op].infer(Call("", "", dict(attrs), types, (), (None, w)))
    outs = (found[0].with_(dtype=DType.I8, quant=out),)
    return registry()[op].kernel(Call("", "", dict(attrs), types, outs, (None, w), MVE))


IMAGE = TensorType((1, 5, 5, 8), DType.I8, Quant.of(0.5, 3))
FINE, COARSE = Quant.of(0.001, 0), Quant.of(1.0, 0)


@pytest.mark.parametrize(
    ("op", "shape", "axis"),
    [("conv2d", (4, 3, 3, 8), 0), ("depthwise_conv2d", (3, 3, 8), 2), ("linear", (4, 8), 0)],
)
def test_only_right_shifts(op: str, shape: tuple[int, ...], axis: int) -> None:
    """Results in a finer unit than the sums need a shift to the left: the plain kernel."""
    w = np.ones(shape, np.int8)
    assert kernel(op, IMAGE, w, axis, 0.5, COARSE).feature == "mve"
    assert kernel(op, IMAGE, w, axis, 0.5, FINE).feature == ""


def test_groups_are_left_to_the_plain_kernel() -> None:
    assert kernel("conv2d", IMAGE, np.ones((4, 3, 3, 4), np.int8), 0, 0.5, COARSE, groups=2).feature == ""


@pytest.mark.parametrize(("second", "feature"), [(-127, "mve"), (-128, "")])
def test_products_of_two_taps_fit_16_bits(second: int, feature: str) -> None:
    w = np.zeros((3, 3, 8), np.int8)
    w[0, 0, 5], w[0, 1, 5] = -128, second
    assert kernel("depthwise_conv2d", IMAGE, w, 2, 0.5, COARSE).feature == feature


def test_the_largest_products_of_two_taps() -> None:
    w = np.full((3, 3, 8), -127, np.int8)
    w[:, ::2] = -128
    check_call(
        "depthwise_conv2d",
        [IMAGE, TensorType(w.shape, DType.I8, Quant((0.01,) * 8, (0,) * 8, 2))],
        {"padding": (1, 1, 1, 1)},
        consts={1: w},
        out_quant=Quant.of(300.0, 0),
        values={0: np.full(IMAGE.shape, -128, np.int8)},
    )


@pytest.mark.parametrize("kinds", [(8, 8, 8), (16, 16, 16), (16, 8, 16), (8, 16, 8)])
@pytest.mark.parametrize("scales", [(0.02, 0.02), (0.02, 0.03), (0.05, 0.02)])
@pytest.mark.parametrize("constant", [None, 0, 1])
def test_sums(kinds: tuple[int, int, int], scales: tuple[float, float], constant: int | None) -> None:
    shape, zeros = (1, 3, 3, 7), (-5, 9)
    types = [
        TensorType(shape, DType.I16 if k == 16 else DType.I8, Quant.of(s, z))
        for k, s, z in zip(kinds, scales, zeros, strict=False)
    ]
    out = DType.I16 if kinds[2] == 16 else DType.I8
    consts = {}
    if constant is not None:
        t = types[constant]
        consts[constant] = np.random.default_rng(1).integers(*t.dtype.limits, shape).astype(t.dtype.numpy)
    check_call("add", types, consts=consts, out_quant=Quant.of(0.1, -3), out_dtype=out)


@pytest.mark.parametrize("bits", [1, 2, 3, 5])
@pytest.mark.parametrize(
    ("op", "shape", "axis"),
    [("conv2d", (8, 1, 1, 8), 0), ("depthwise_conv2d", (1, 1, 8), 2), ("linear", (8, 8), 0)],
)
def test_ties_go_away_from_zero(op: str, shape: tuple[int, ...], axis: int, bits: int) -> None:
    """Every int8 value divided by a power of two: vectors round halves up, which is wrong below zero."""
    w = np.ones(shape, np.int8) if axis == 2 else np.eye(8, dtype=np.int8).reshape(shape)
    check_call(
        op,
        [
            TensorType((1, 4, 8, 8), DType.I8, Quant.of(1.0, 0)),
            TensorType(w.shape, DType.I8, Quant((1.0,) * 8, (0,) * 8, axis)),
        ],
        consts={1: w},
        out_quant=Quant.of(2.0**bits, 0),
        values={0: np.arange(-128, 128).astype(np.int8).reshape(1, 4, 8, 8)},
    )


@pytest.mark.parametrize("scales", [(1.0, 1.0), (1.0, 0.5)])
def test_ties_of_sums_go_away_from_zero(scales: tuple[float, float]) -> None:
    types = [TensorType((1, 16, 16), DType.I8, Quant.of(s, 0)) for s in scales]
    values = {k: np.arange(-128, 128).astype(np.int8).reshape(1, 16, 16) for k in range(2)}
    values[1] = values[1].T.reshape(1, 16, 16).copy() if scales[0] != scales[1] else values[1]
    check_call("add", types, out_quant=Quant.of(8.0, 0), values=values)


@pytest.mark.parametrize("depth", [1, 15, 16, 17, 33, 48, 64, 65, 100, 128, 131])
@pytest.mark.parametrize("zero", [-128, 127])
def test_products_of_vectors_of_any_length(depth: int, zero: int) -> None:
    """Values next to the largest zero points: what is taken off for these is most of each sum, and shows."""
    ins = [TensorType((1, n, depth), DType.I8, Quant.of(0.02, zero)) for n in (2, 5)]
    rng = np.random.default_rng(depth)
    near = np.arange(3) + min(zero, 125)
    values = {0: rng.choice(near, (1, 2, depth)).astype(np.int8)}
    attrs = {"dims": (1, 2, 5, depth), "a_view": (0, 0, depth, 1), "b_view": (0, 0, 1, depth)}
    assert chosen("matmul", ins, attrs) == "ec_matmul_s8"
    check_call("matmul", ins, attrs, out_quant=Quant.of(0.0256, -7), values=values)


@pytest.mark.parametrize("columns", [1, 3, 4, 8, 11, 13, 16, 31, 44])
def test_weighted_sums_of_any_number_of_columns(columns: int) -> None:
    ins = [TensorType((1, *s), DType.I8, Quant.of(0.02, 9)) for s in ((2, 7), (7, columns))]
    check_call("matmul", ins, out_quant=Quant.of(0.1, -7))


@pytest.mark.parametrize(("depth", "columns"), [(16, 3), (40, 17), (70, 31)])
def test_attention_of_heads_of_any_width(depth: int, columns: int) -> None:
    shapes = ((1, 2, 3, depth), (1, 2, 11, depth), (1, 2, 11, columns))
    ins = [TensorType(s, DType.I8, Quant.of(0.03, z)) for s, z in zip(shapes, (-128, 4, 90), strict=True)]
    assert chosen("attention", ins, {"scale": 0.2}) == "ec_attention_s8"
    check_call("attention", ins, {"scale": 0.2}, out_quant=Quant.of(0.02, 5))


@pytest.mark.parametrize(("dtype", "function"), [(DType.I8, "ec_mul"), (DType.I16, "ec_mul_dsp")])
def test_the_plain_products_have_vectors_for_int8_only(dtype: DType, function: str) -> None:
    ins = [TensorType((1, 3, 5), dtype, FINE), TensorType((1, 3, 5), DType.I8, COARSE)]
    assert chosen("mul", ins, {}) == function


@pytest.mark.parametrize("op", ["add", "sub", "mul", "maximum", "minimum"])
@pytest.mark.parametrize("shapes", [((1, 3, 5), (1, 3, 1)), ((1, 3, 1), (1, 3, 9)), ((1, 2, 9), (9,))])
@pytest.mark.parametrize("scale", [0.05, 0.0001])
def test_operands_that_repeat(op: str, shapes: tuple[tuple[int, ...], ...], scale: float) -> None:
    """Results in coarse units, and in fine ones, which take a shift to the left."""
    kinds = zip(shapes, ((0.01, 5), (0.02, -9)), strict=True)
    ins = [TensorType(shape, DType.I8, Quant.of(*quant)) for shape, quant in kinds]
    check_call(op, ins, out_quant=Quant.of(scale, 7))


def chosen(op: str, ins: list[TensorType], attrs: Mapping[str, Attr]) -> str:
    """The kernel for Helium; the result has the scale 1."""
    consts = (None,) * len(ins)
    (y,) = registry()[op].infer(Call("", "", dict(attrs), tuple(ins), (), consts))
    outs = (y.with_(dtype=DType.I8, quant=COARSE),)
    return registry()[op].kernel(Call("", "", dict(attrs), tuple(ins), outs, consts, MVE)).function


@pytest.mark.parametrize("channels", [1, 4, 7, 8, 9, 15, 16, 17, 33])
@pytest.mark.parametrize("op", ["avg_pool2d", "max_pool2d"])
@pytest.mark.parametrize("limits", [("", 0.1), ("relu6", 0.01)])
def test_pools_of_any_number_of_channels(channels: int, op: str, limits: tuple[str, float]) -> None:
    quant = Quant.of(limits[1], -3)
    attrs = {"kernel": (3, 2), "stride": (2, 1), "padding": (1, 1, 0, 1), "activation": limits[0]}
    check_call(op, [TensorType((1, 5, 4, channels), DType.I8, quant)], attrs)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 2), (3, 1), (7, 7), (15, 17), (16, 16), (1, 257)])
@pytest.mark.parametrize("value", [-128, 127, None])
def test_means_of_any_number_of_taps(height: int, width: int, value: int | None) -> None:
    """257 of the largest values need more than 16 bits."""
    shape = (1, height, width, 9)
    x = np.random.default_rng(width).integers(-128, 128, shape) if value is None else np.full(shape, value)
    types = [TensorType(shape, DType.I8, Quant.of(0.1, 5))]
    check_call("avg_pool2d", types, {"kernel": (height, width)}, values={0: x.astype(np.int8)})
