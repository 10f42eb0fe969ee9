"""attention: the kernel against the reference on plain and fused operands, the reference against float."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgec.ir import Attr, DType, Quant, TensorType
from edgec.ops.attention_formats import Formats
from edgec.ops.base import Call, OpError, registry
from tests.closeness import quant_for, quantized, real, snr
from tests.kernels import check_call, lengths, quants


def fused(b: int, h: int, t: int, d: int) -> dict[str, Attr]:
    """q, k and v of all heads side by side in rows of one [B, T, 3*H*D] tensor."""
    row = 3 * h * d
    view = [(part * h * d, t * row, d, row) for part in range(3)]
    return {"dims": (b, h, t, t, d, d), "q_view": view[0], "k_view": view[1], "v_view": view[2]}


def separate(b: int, h: int, t: int, s: int, d: int, dv: int) -> dict[str, Attr]:
    """q [B,T,H*D], k [B,S,H*D] and v [B,S,H*Dv]."""
    views = [(0, n * h * c, c, h * c) for n, c in ((t, d), (s, d), (s, dv))]
    return {"dims": (b, h, t, s, d, dv), "q_view": views[0], "k_view": views[1], "v_view": views[2]}


def masks(kind: str, b: int, h: int, t: int, s: int, rng: np.random.Generator) -> np.ndarray | None:
    if kind == "causal":
        return np.where(np.tril(np.ones((t, s), bool)), 0, -np.inf).astype(np.float32)
    if kind == "bias":
        return rng.normal(0, 3, (h, t, s)).astype(np.float32)
    if kind == "windows":
        blocked = np.where(rng.random((b, 1, t, s)) < 0.4, -100, 0)
        return (blocked + rng.normal(0, 1, (1, h, t, s))).astype(np.float32)
    if kind == "padding":
        return np.where(rng.random((b, 1, 1, s)) < 0.5, -np.inf, 0).astype(np.float32)
    return None


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_kernel(data: st.DataObject) -> None:
    draw = data.draw
    b, h = draw(st.integers(1, 2)), draw(st.integers(1, 3))
    t, s, d = draw(st.integers(1, 5)), draw(lengths(7)), draw(lengths(9))
    layout = draw(st.sampled_from(["plain", "fused", "separate"]))
    dv = d if layout == "fused" else draw(lengths(9))
    s = t if layout == "fused" else s
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    qs = [draw(quants) for _ in range(4)]
    attrs: dict[str, Attr] = {"scale": draw(st.sampled_from([0.125, 1.0, 0.001, 40.0]))}
    if layout == "plain":
        shapes = [(b, h, t, d), (b, h, s, d), (b, h, s, dv)]
    elif layout == "separate":
        shapes = [(b, t, h * d), (b, s, h * d), (b, s, h * dv)]
        attrs |= separate(b, h, t, s, d, dv)
    else:
        shapes = [(b, t, 3 * h * d)] * 3
        attrs |= fused(b, h, t, d)
    ins = [TensorType(shape, DType.I8, q) for shape, q in zip(shapes, qs, strict=False)]
    consts: dict[int, np.ndarray] = {}
    mask = masks(draw(st.sampled_from(["", "causal", "bias", "windows", "padding"])), b, h, t, s, rng)
    if mask is not None:
        ins.append(TensorType(mask.shape))
        consts[3] = mask
    if layout != "fused" and draw(st.booleans()):
        consts[0] = rng.integers(-128, 128, shapes[0]).astype(np.int8)
    check_call("attention", ins, attrs, consts=consts, out_quant=qs[3], seed=draw(st.integers(0, 99)))


def test_kernel_with_every_weight() -> None:
    """Of sixteen keys all but one have the same score, which goes through six halvings of the weight."""
    heads, keys = 4, 16
    q = np.tile(np.arange(-128, 128), (1, heads, 1))[..., None].astype(np.int8)
    k = np.zeros((1, heads, keys, 1), np.int8)
    k[..., 1:, 0] = -np.arange(97, 97 + heads)[:, None]
    v = np.full((1, heads, keys, 1), -128, np.int8)
    v[:, :, 0] = 127
    ins = [TensorType(x.shape, DType.I8, Quant.of(0.125, z)) for x, z in ((q, -128), (k, 0), (v, 0))]
    values = {0: q, 1: k, 2: v}
    y = check_call("attention", ins, {"scale": 0.01}, out_quant=Quant.of(0.125), values=values)
    assert np.unique(y).size > 100


@pytest.mark.parametrize("layout", ["fused", "separate"])
def test_kernel_at_the_size_of_a_transformer(layout: str) -> None:
    b, h, t, d = 1, 3, 37, 64
    attrs = {"scale": 0.125, **(fused(b, h, t, d) if layout == "fused" else separate(b, h, t, t, d, d))}
    shape = (b, t, 3 * h * d) if layout == "fused" else (b, t, h * d)
    types = [TensorType(shape, DType.I8, Quant.of(0.03, z)) for z in (3, -7, 11)]
    check_call("attention", types, attrs, out_quant=Quant.of(0.01, -5))


@pytest.mark.parametrize("kind", ["", "causal", "padding"])
@pytest.mark.parametrize("s", [48, 64, 65, 113, 160])
def test_kernel_with_tiles_of_keys(kind: str, s: int) -> None:
    b, h, t, d, dv = 1, 2, 3, 8, 11
    types = [TensorType((b, n, h * c), DType.I8, Quant.of(0.03, 5)) for n, c in ((t, d), (s, d), (s, dv))]
    mask = masks(kind, b, h, t, s, np.random.default_rng(s))
    if kind == "causal":  # limits on both sides of the end of a tile
        mask = np.where(np.arange(s) < np.array([[40], [s - 2], [s]]), 0, -np.inf).astype(np.float32)
    consts = {} if mask is None else {3: mask}
    types += [] if mask is None else [TensorType(mask.shape)]
    attrs: dict[str, Attr] = {"scale": 0.02, **separate(b, h, t, s, d, dv)}
    check_call("attention", types, attrs, consts=consts, out_quant=Quant.of(0.005, -5))


@pytest.mark.parametrize("kind", ["causal", "bias", "windows", "padding"])
def test_some_heads_of_a_mask_of_more(kind: str) -> None:
    b, h, t, d = 2, 2, 5, 8
    mask = masks(kind, b, 4, t, t, np.random.default_rng(7))
    assert mask is not None
    types = [TensorType((b, t, 3 * h * d), DType.I8, Quant.of(0.03, 3))] * 3
    attrs: dict[str, Attr] = {"scale": 0.3, "first_head": 1, **fused(b, h, t, d)}
    check_call(
        "attention", [*types, TensorType(mask.shape)], attrs, consts={3: mask}, out_quant=Quant.of(0.01)
    )


@pytest.mark.parametrize("kind", ["", "causal", "bias", "windows"])
@pytest.mark.parametrize("sharpness", [0.3, 1.0, 4.0])
@pytest.mark.parametrize("s", [50, 600])
def test_close_to_float(kind: str, sharpness: float, s: int) -> None:
    rng = np.random.default_rng(1)
    b, h, t, d = 2, 2, 50 if s == 50 else 8, 32
    q, k = (rng.normal(0.1, 1, (b, h, n, d)).astype(np.float32) for n in (t, s))
    v = rng.normal(0.5, 1, (b, h, s, d)).astype(np.float32)
    mask = masks(kind, b, h, t, s, rng)
    consts = {} if mask is None else {3: (mask, TensorType(mask.shape), mask)}
    ratio = snr("attention", {0: q, 1: k, 2: v}, {"scale": sharpness / d**0.5}, consts=consts)
    assert ratio > 38


def test_the_result_is_off_by_little_more_than_its_own_rounding() -> None:
    rng = np.random.default_rng(2)
    x = [rng.normal(0, 1, (1, 2, 197, 64)).astype(np.float32) for _ in range(3)]
    ins = tuple(TensorType(v.shape, DType.I8, quant_for(v)) for v in x)
    ints = [quantized(v, t) for v, t in zip(x, ins, strict=True)]
    y = TensorType((1, 197, 2, 64), DType.I8, Quant.of(0.006, 3))
    call = Call("a", "", {"scale": 0.125}, ins, (y,), (None,) * 3)
    op = registry()["attention"]
    want = op.float_reference(call, *(real(v, t) for v, t in zip(ints, ins, strict=True)))
    got = op.integer_reference(call, *ints)
    assert isinstance(got, np.ndarray)
    assert np.abs((got.astype(float) - 3) - want / 0.006).max() < 0.52


def test_a_causal_mask_becomes_limits_and_a_window_mask_two_small_ones() -> None:
    rng = np.random.default_rng(0)
    b, h, t = 8, 3, 9
    q = Quant.of(0.03)
    ins = (TensorType((b, h, t, 4), DType.I8, q),) * 3
    out = (TensorType((b, t, h, 4), DType.I8, q),)
    causal, windows = masks("causal", b, h, t, t, rng), masks("windows", b, h, t, t, rng)
    assert causal is not None and windows is not None
    for m, sizes in ((causal, []), (windows, [b * t * t, h * t * t])):
        full = np.ascontiguousarray(np.broadcast_to(m, (b, h, t, t)))
        call = Call("a", "", {"scale": 0.5}, (*ins, TensorType(full.shape)), out, (None, None, None, full))
        f = Formats.of(call, (b, h, t, t, 4, 4))
        assert sorted(m.data.size for m in f.masks) == sorted(sizes)
        if m is causal:
            assert f.limit.tolist() == list(range(1, t + 1))
            rows = registry()["attention"].rows(call)[1]
            assert rows is not None and rows.last.tolist()[:t] == [h - 1] * t


def test_a_query_without_keys_gives_zero() -> None:
    q = Quant.of(0.03)
    mask = np.zeros((3, 4), np.float32)
    mask[1] = -np.inf
    ins = [TensorType((1, 2, n, 5), DType.I8, q) for n in (3, 4, 4)] + [TensorType(mask.shape)]
    got = check_call("attention", ins, {"scale": 1.0}, consts={3: mask}, out_quant=Quant.of(0.03, 9))
    assert set(got[0, 1].ravel().tolist()) == {9}


def test_operands_that_do_not_fit() -> None:
    q, k = TensorType((1, 2, 3, 4)), TensorType((1, 2, 3, 5))
    with pytest.raises(OpError):
        registry()["attention"].infer(Call("a", "", {"scale": 1.0}, (q, k, k), (), (None,) * 3))
