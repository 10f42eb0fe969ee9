"""Low rank: factors against numpy's singular value decomposition, what they store, and what is lost."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgec.ir import Graph, Node, TensorType
from edgec.ir.verify import verify
from edgec.ops.base import add_op, call_of, infer_types, op_of
from edgec.ops.interpret import evaluate
from edgec.quant.data import Samples
from edgec.quant.low_rank import (
    RATIOS,
    TABLES,
    Cut,
    candidate,
    candidates,
    cuts_at,
    cuts_of,
    divisible,
    factored,
    reduced,
    stored,
)
from edgec.quant.moments import Moments, columns, moments_of

Weights = np.ndarray


def linear(weights: Weights, features: int, activation: str = "", tokens: int = 6) -> tuple[Graph, Node]:
    g = Graph()
    x = g.add_input("x", TensorType((1, tokens, features)))
    constants = [g.add_constant("w", weights), g.add_constant("b", np.arange(len(weights), dtype=np.float32))]
    g.outputs = list(add_op(g, "linear", [x, *constants], {"activation": activation}, path="fc", name="fc"))
    return g, g.node("fc")


def conv(weights: Weights, bias: bool = True, **attrs: object) -> tuple[Graph, Node]:
    g = Graph()
    x = g.add_input("x", TensorType((1, 9, 8, weights.shape[3])))
    constants = [g.add_constant("w", weights)]
    if bias:
        constants.append(g.add_constant("b", np.linspace(-1, 1, len(weights), dtype=np.float32)))
    all_attrs = {"stride": (1, 1), "padding": (0, 0, 0, 0), "dilation": (1, 1), "groups": 1, **attrs}
    g.outputs = list(add_op(g, "conv2d", [x, *constants], all_attrs, path="conv", name="conv"))
    return g, g.node("conv")


def data(g: Graph, n: int, seed: int = 0, spread: float = 1.0) -> Samples:
    """Samples whose channels are mixed and uneven, with means of their own."""
    rng = np.random.default_rng(seed)
    shape = g.type("x").shape
    mix = np.random.default_rng(5).standard_normal((shape[-1], shape[-1])) * 10 ** np.linspace(
        0, -spread, shape[-1]
    )
    x = rng.standard_normal((n, *shape[1:])) @ mix.T + np.linspace(-2, 3, shape[-1])
    return Samples({"x": x.astype(np.float32)}, "test")


def outputs(g: Graph, samples: Samples) -> np.ndarray:
    found = [next(iter(evaluate(g, samples.sample(k)).values())) for k in range(len(samples))]
    return np.concatenate(found).astype(np.float64)


def noise(g: Graph, made: Graph, samples: Samples) -> float:
    """What is lost of the outputs' variance."""
    want, got = outputs(g, samples), outputs(made, samples)
    axes = tuple(range(want.ndim - 1))
    return float(np.square(want - got).sum() / np.square(want - want.mean(axis=axes)).sum())


@settings(max_examples=25, deadline=None)
@given(o=st.integers(18, 40), k=st.integers(18, 40), few=st.booleans(), seed=st.integers(0, 99))
def test_error_is_that_of_the_discarded_singular_values(o: int, k: int, few: bool, seed: int) -> None:
    w = np.random.default_rng(seed).standard_normal((o, k)).astype(np.float32)
    g, node = linear(w, k)
    moments = moments_of(g, [node], data(g, 2 if few else 40, seed))["fc"]
    values, vectors = np.linalg.eigh(moments.shrunk())
    root = vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T
    power = np.square(np.linalg.svd(w.astype(np.float64) @ root, compute_uv=False))
    for found in candidates(g, node, moments):
        assert found.cut.way == "channels"
        want = power[found.cut.rank :].sum() / power.sum()
        assert found.error == pytest.approx(want, rel=1e-6, abs=1e-9)
    plain = np.square(np.linalg.svd(w.astype(np.float64), compute_uv=False))
    assert candidate(g, node, Cut("channels", 8)).error == pytest.approx(plain[8:].sum() / plain.sum())


def test_moments_are_those_of_the_columns() -> None:
    g, node = conv(np.zeros((4, 3, 2, 5), np.float32), padding=(1, 0, 1, 1), stride=(2, 1))
    samples = data(g, 7)
    x = np.concatenate([columns(g, node, samples.sample(k)["x"]) for k in range(7)]).astype(np.float64)
    found = moments_of(g, [node], samples)["conv"]
    assert found.count == len(x) == 7 * 5 * 8
    np.testing.assert_allclose(found.mean, x.mean(axis=0), atol=1e-5)
    np.testing.assert_allclose(found.covariance, np.cov(x.T, bias=True), atol=1e-3)


def test_shrinkage_trusts_many_columns_and_not_few() -> None:
    rng, scales = np.random.default_rng(1), np.linspace(1, 4, 30)
    for count, least, most in ((8, 0.2, 1.0), (20_000, 0.0, 0.01)):
        x = rng.standard_normal((count, 30)) * scales
        m = Moments(x.mean(axis=0), np.cov(x.T, bias=True), count)
        drawn = m.shrunk()
        off = ~np.eye(30, dtype=bool)
        share = 1 - (drawn[off] / m.covariance[off]).mean()
        assert least <= share <= most
        assert np.trace(drawn) == pytest.approx(np.trace(m.covariance))
        true = np.diag(scales**2)
        assert np.square(drawn - true).sum() <= np.square(m.covariance - true).sum()


@settings(max_examples=30, deadline=None)
@given(
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    stride=st.tuples(st.integers(1, 2), st.integers(1, 2)),
    padding=st.tuples(*[st.integers(0, 1)] * 4),
    dilation=st.tuples(st.integers(1, 2), st.integers(1, 2)),
    lines=st.booleans(),
    known=st.booleans(),
    bias=st.booleans(),
    seed=st.integers(0, 99),
)
def test_convolutions_of_low_rank_stay_what_they_are(
    kernel: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, ...],
    dilation: tuple[int, int],
    lines: bool,
    known: bool,
    bias: bool,
    seed: int,
) -> None:
    """Weights that are the product of two factors are found again, borders, strides and all."""
    rng, (kh, kw), rank, o, c = np.random.default_rng(seed), kernel, 3, 6, 5
    if lines:
        w = np.einsum("owr,rhc->ohwc", rng.standard_normal((o, kw, rank)), rng.standard_normal((rank, kh, c)))
    else:
        w = np.einsum("or,rhwc->ohwc", rng.standard_normal((o, rank)), rng.standard_normal((rank, kh, kw, c)))
    attrs = {"stride": stride, "padding": padding, "dilation": dilation, "activation": "relu"}
    g, node = conv(w.astype(np.float32), bias, **attrs)
    samples = data(g, 3, seed)
    moments = moments_of(g, [node], samples) if known else {}
    made = factored(g, {"conv": Cut("lines" if lines else "channels", 4)}, moments)
    verify(made, infer_types)
    first, second = made.nodes()
    assert made.outputs == g.outputs and second.attrs["activation"] == "relu"
    assert made.type(first.inputs[1]).shape == (4, kh, 1 if lines else kw, c)
    assert made.type(second.inputs[1]).shape == (o, 1, kw if lines else 1, 4)
    want = outputs(g, samples)
    np.testing.assert_allclose(outputs(made, samples), want, atol=2e-4 * max(1.0, np.abs(want).max()))


def test_what_is_kept_is_what_the_data_shows() -> None:
    """The error that is estimated is the one that comes, and is a fraction of that without data."""
    rng = np.random.default_rng(3)
    g, node = linear(rng.standard_normal((32, 40)).astype(np.float32), 40, tokens=16)
    moments = moments_of(g, [node], data(g, 32))
    cut, fresh = Cut("channels", 12), data(g, 64, seed=1)
    found = candidate(g, node, cut, moments["fc"])
    lost, plain = (noise(g, factored(g, {"fc": cut}, m), fresh) for m in (moments, {}))
    assert lost == pytest.approx(found.error, rel=0.2) and lost < plain / 3
    w = rng.standard_normal((24, 3, 3, 20)).astype(np.float32)
    g, node = conv(w, padding=(1, 1, 1, 1))
    moments, cut, fresh = moments_of(g, [node], data(g, 32)), Cut("lines", 20), data(g, 32, seed=1)
    found = candidate(g, node, cut, moments["conv"])
    lost, plain = (noise(g, factored(g, {"conv": cut}, m), fresh) for m in (moments, {}))
    assert lost == pytest.approx(found.error, rel=0.2) and lost < plain / 2


def test_channels_between_are_even() -> None:
    g, node = linear(np.random.default_rng(3).standard_normal((32, 40)).astype(np.float32), 40, tokens=16)
    samples = data(g, 64)
    made = factored(g, {"fc": Cut("channels", 12)}, moments_of(g, [node], samples))
    seen: list[np.ndarray] = []
    for k in range(len(samples)):
        evaluate(made, samples.sample(k), lambda v, x: seen.append(x[0]) if v == "fc.in" else None)
    between = np.concatenate(seen)
    np.testing.assert_allclose(between.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(between.std(axis=0), 1, rtol=0.05)


@settings(max_examples=15, deadline=None)
@given(shape=st.tuples(st.integers(1, 50), st.integers(1, 3), st.integers(1, 3), st.integers(1, 50)))
def test_no_cut_stores_more(shape: tuple[int, int, int, int]) -> None:
    for g, node in (conv(np.zeros(shape, np.float32)), linear(np.zeros(shape[::3], np.float32), shape[3])):
        for cut in cuts_of(g, node)[::4]:
            made = factored(g, {node.name: cut})
            weights = [made.type(n.inputs[1]).shape for n in made.nodes()]
            took = sum(math.prod(s) + TABLES * s[0] for s in weights)
            found = candidate(g, node, cut)
            assert took == found.bytes == stored(g, node, cut) < stored(g, node)
            assert found.macs == sum(op_of(n).macs(call_of(made, n)) for n in made.nodes())
            full = min(shape[0], weights[0][1] if len(weights[0]) == 2 else math.prod(shape[1:]))
            assert cut.way == "lines" or RATIOS[0] - 0.13 <= cut.rank / full <= RATIOS[-1] + 0.05


def test_what_cannot_be_cut_stays() -> None:
    g, node = conv(np.zeros((32, 3, 3, 16), np.float32))
    grouped = conv(np.zeros((32, 3, 3, 16), np.float32))[0]
    grouped.node("conv").attrs["groups"] = 2
    assert divisible(g) == [node] and not divisible(grouped)
    assert not cuts_of(*linear(np.zeros((10, 96), np.float32), 96)), "ten classes"
    assert not any(c.way == "lines" for c in cuts_of(*conv(np.zeros((32, 3, 1, 64), np.float32))))


def shared(count: int = 3) -> Graph:
    """The same 32 x 32 weights, `count` times one behind the other, with biases of their own."""
    rng, g = np.random.default_rng(4), Graph()
    value, w = g.add_input("x", TensorType((1, 6, 32))), rng.standard_normal((32, 32)).astype(np.float32)
    name = g.add_constant("w", w / 4)
    for k in range(count):
        bias = g.add_constant("b", rng.standard_normal(32).astype(np.float32))
        (value,) = add_op(g, "linear", [value, name, bias], {"activation": "relu"}, path=f"{k}", name=f"l{k}")
    g.outputs = [value]
    return g


def test_layers_have_the_ranks_that_lose_least() -> None:
    rng, g = np.random.default_rng(7), Graph()
    value = g.add_input("x", TensorType((1, 6, 64)))
    few = rng.standard_normal((256, 12)) @ rng.standard_normal((12, 64)) / 12
    for k, w in enumerate((few, rng.standard_normal((64, 256)) / 16)):
        name = g.add_constant("w", w.astype(np.float32))
        (value,) = add_op(g, "linear", [value, name], path=f"{k}", name=f"l{k}")
    g.outputs = [value]
    known = moments_of(g, divisible(g), data(g, 32))
    made, _ = reduced(g, 0.6, known)
    even = {n.name: cuts_at(g, n, 0.6)[0] for n in g.nodes()}
    assert sum(stored(made, n) for n in made.nodes()) <= sum(stored(g, n, even[n.name]) for n in g.nodes())
    assert noise(g, made, data(g, 8, seed=1)) < 0.8 * noise(g, factored(g, even, known), data(g, 8, seed=1))


def test_shared_weights_have_shared_factors() -> None:
    g = shared()
    samples = data(g, 32)
    made, told = reduced(g, 0.4, moments_of(g, divisible(g), samples))
    nodes = made.nodes()
    assert [n.op for n in nodes] == ["linear"] * 6
    assert len({n.inputs[1] for n in nodes[::2]}) == len({n.inputs[1] for n in nodes[1::2]}) == 1
    assert len({n.inputs[2] for n in nodes}) == 6
    assert told[0] == "low rank: 1 of 1 layers are stored as two, 1,312 -> 1,164 B of weights"
    assert told[1].startswith("  0 32x32, through 12 channels: 1,312 -> 1,164 B, ") and len(told) == 2
    assert noise(g, made, data(g, 8, seed=1)) < noise(
        g, factored(g, {n.name: Cut("channels", 12) for n in g.nodes()}), data(g, 8, seed=1)
    )
