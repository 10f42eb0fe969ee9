"""Corrected biases and equalized channels: what they compute, and that they are taken where they help."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from edgec.ir import Graph, TensorType
from edgec.ops.base import add_op
from edgec.ops.interpret import evaluate
from edgec.options import Silent
from edgec.quant import choose, sensitivity
from edgec.quant.choose import quantize_model
from edgec.quant.correct import corrected, weighted
from edgec.quant.data import Samples
from edgec.quant.equalize import equalized
from edgec.quant.formats import to_reals
from edgec.quant.observe import observe
from edgec.quant.ptq import quantize_graph
from edgec.quant.snr import compare, float_outputs

RNG = np.random.default_rng(2)


def normal(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape).astype(np.float32)


def network(spread: float = 0.0) -> Graph:
    """Convolution, depthwise convolution, convolution in groups and a linear layer, ReLUs between them.

    spread: decades over which the channels of the first two differ.
    """
    g = Graph()
    value = g.add_input("x", TensorType((1, 6, 6, 4)))
    uneven = (10 ** np.linspace(-spread, spread, 8)).astype(np.float32)
    padded = {"stride": (1, 1), "padding": (1, 1, 1, 1), "dilation": (1, 1), "activation": "relu"}
    layers = [
        (
            "conv2d",
            normal(8, 3, 3, 4) * uneven[:, None, None, None],
            normal(8) * uneven,
            {**padded, "groups": 1},
        ),
        ("depthwise_conv2d", normal(3, 3, 8) * uneven[::-1], normal(8), padded),
        ("conv2d", normal(6, 1, 1, 4), normal(6), {**padded, "padding": (0, 0, 0, 0), "groups": 2}),
        ("linear", normal(5, 6), normal(5), {}),
    ]
    for k, (op, w, b, attrs) in enumerate(layers):
        constants = [g.add_constant(f"w{k}", w), g.add_constant(f"b{k}", b)]
        (value,) = add_op(g, op, [value, *constants], attrs, path=f"{k}", name=f"l{k}")
    g.outputs = [value]
    return g


def data(n: int = 32) -> Samples:
    return Samples({"x": np.abs(normal(n, 6, 6, 4)) + 0.5}, "test")


def test_equalized_computes_the_same_with_even_channels() -> None:
    g, samples = network(1.5), data()
    even = equalized(g, samples)
    assert even is not None
    for k in range(8):
        a, b = (next(iter(evaluate(m, samples.sample(k)).values())) for m in (g, even))
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-3 * np.abs(a).max())

    def unevenness(graph: Graph, value: str) -> float:
        largest = np.zeros(1)
        for k in range(len(samples)):
            seen: dict[str, np.ndarray] = {}
            evaluate(graph, samples.sample(k), seen.__setitem__)
            largest = np.maximum(largest, np.abs(seen[value]).reshape(-1, seen[value].shape[-1]).max(axis=0))
        return float(largest.max() / largest.min())

    # A depthwise layer has a scale for each channel: what is before it becomes even.
    assert unevenness(g, "l0") > 100 and unevenness(even, "l0") < 1.01
    assert unevenness(even, "l1") < unevenness(g, "l1") / 2


def test_norms_before_linear_layers_are_equalized() -> None:
    g = Graph()
    x = g.add_input("x", TensorType((1, 6, 8)))
    gamma, beta = (10 ** np.linspace(-1, 1, 8)).astype(np.float32), normal(8)
    norm = [g.add_constant("gamma", gamma), g.add_constant("beta", beta)]
    (n,) = add_op(g, "layer_norm", [x, *norm], {"epsilon": 1e-5, "rms": False}, path="n", name="norm")
    for k in range(2):
        g.outputs += add_op(
            g, "linear", [n, g.add_constant(f"w{k}", normal(4, 8))], path=f"{k}", name=f"l{k}"
        )
    samples = Samples({"x": normal(16, 6, 8)}, "test")
    even = equalized(g, samples)
    assert even is not None and not np.allclose(even.data(even.node("norm").inputs[1]), gamma)
    for a, b in zip(
        evaluate(g, samples.sample(3)).values(), evaluate(even, samples.sample(3)).values(), strict=True
    ):
        np.testing.assert_allclose(a, b, atol=1e-4)
    g.outputs.append(n)
    assert equalized(g, samples) is None, "an output keeps its values"


def test_clamps_that_a_factor_would_move_stay() -> None:
    g = Graph()
    value = g.add_input("x", TensorType((1, 4)))
    for k in range(2):
        operands = [value, g.add_constant(f"w{k}", normal(4, 4))]
        (value,) = add_op(g, "linear", operands, {"activation": "relu6"}, path=f"{k}")
    g.outputs = [value]
    assert equalized(g, Samples({"x": normal(16, 4)}, "test")) is None


def one_layer(g: Graph, name: str, weights: np.ndarray, bias: np.ndarray) -> Graph:
    """A layer by itself, without its activation."""
    node, single = g.node(name), Graph()
    operands = [single.add_input("x", g.type(node.inputs[0]))]
    operands += [single.add_constant("w", weights), single.add_constant("b", bias)]
    attrs = {k: v for k, v in node.attrs.items() if k != "activation"}
    single.outputs = list(add_op(single, node.op, operands, attrs, path="l"))
    return single


def constant(g: Graph, name: str, k: int) -> np.ndarray:
    found = g.data(g.node(name).inputs[k])
    assert found is not None
    return found


@pytest.mark.parametrize("name", ["l0", "l1", "l2", "l3"])
def test_corrected_biases_take_the_mean_error_off(name: str) -> None:
    """With rounded weights a layer's results have another mean; with the new bias they have not."""
    g, samples = network(), data()
    observation = observe(g, samples)
    held = quantize_graph(g, observation.ranges("minmax"))
    better = corrected(g, held, observation.means)
    assert [n.name for n in weighted(g)] == ["l0", "l1", "l2", "l3"]
    stored = held.node(name).inputs[1]
    rounded = to_reals(constant(held, name, 1), held.type(stored))
    forms = [
        one_layer(g, name, constant(g, name, 1), constant(g, name, 2)),
        one_layer(g, name, rounded, constant(g, name, 2)),
        one_layer(g, name, rounded, constant(better, name, 2)),
    ]
    means = []
    for form in forms:
        results = []
        for k in range(len(samples)):
            seen = samples.sample(k)
            evaluate(g, samples.sample(k), seen.__setitem__)
            (y,) = evaluate(form, {"x": seen[g.node(name).inputs[0]]}).values()
            results.append(y.reshape(-1, y.shape[-1]).mean(axis=0))
        means.append(np.mean(results, axis=0))
    before, after = (np.abs(m - means[0]).max() for m in means[1:])
    assert after < 1e-4 * np.abs(means[0]).max() and after < before / 10


def test_the_noise_of_one_layer() -> None:
    """That of the last one is its rounding error times what it reads; weights that int8 holds make none."""
    g, few = network(), data(4)
    want = [y["l3"] for y in float_outputs(g, few)]
    assert [n.name for n in sensitivity.layers(g)] == ["l0", "l1", "l2", "l3"]
    powers = {n.name: sensitivity.noise(g, n.name, few, 0, want) for n in sensitivity.layers(g)}
    assert all(0 < p < 1e-2 * np.mean(np.square(want)) for p in powers.values())
    weights = constant(g, "l3", 1)
    scale = np.abs(weights).max(axis=1, keepdims=True) / 127
    held = (np.rint(weights / scale) * scale).astype(np.float32)
    expected = []
    for k in range(len(few)):
        seen: dict[str, np.ndarray] = {}
        evaluate(g, few.sample(k), seen.__setitem__)
        expected.append(np.square(seen["l2"] @ (held - weights).T).mean())
    assert powers["l3"] == pytest.approx(np.mean(expected), rel=1e-2)
    exact = network()
    exact.set_operand(exact.node("l3"), 1, exact.add_constant("e", held))
    assert (
        sensitivity.noise(exact, "l3", few, 0, [y["l3"] for y in float_outputs(exact, few)])
        < powers["l3"] / 1e6
    )


def test_what_helps_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    g, samples = network(1.5), data()
    chosen = quantize_model(g, samples, Silent())
    assert "equalized" in chosen.method.partition(" (")[0]
    monkeypatch.setattr(choose, "_FINE", -99)
    monkeypatch.setattr(choose, "_FAIR", -99)
    plain = quantize_model(g, samples, Silent())
    assert "equalized" not in plain.method and "biases" not in plain.method
    fresh = data(64)
    gain = compare(g, chosen.graph, fresh).contrast - compare(g, plain.graph, fresh).contrast
    assert gain > 5 and chosen.decibels > plain.decibels + 5
    assert chosen.fidelity.snr == pytest.approx(compare(g, chosen.graph, samples.head(16)).snr, abs=0.01)
    # Layers are measured against the values that they have when they are equalized.
    assert min(x.snr for x in chosen.fidelity.layers) > 15


def test_nothing_is_corrected_by_random_inputs() -> None:
    for samples in (Samples({"x": normal(32, 6, 6, 4)}, "random", random=True), data(8)):
        assert "biases" not in quantize_model(network(1.5), samples, Silent()).method


def test_biases_are_corrected_for_weights_of_their_form(monkeypatch: pytest.MonkeyPatch) -> None:
    g, seen = network(), list[tuple[Graph, Graph]]()

    def watched(graph: Graph, held: Graph, means: Mapping[str, np.ndarray]) -> Graph:
        seen.append((held, corrected(graph, held, means)))
        return seen[-1][1]

    monkeypatch.setattr(choose, "corrected", watched)
    chosen = quantize_model(g, data(), Silent(), {"l3": "codebook2"})
    assert chosen.graph.node("l3").attrs["form"] == "codebook2"
    assert seen and all(len(np.unique(constant(held, "l3", 1))) <= 4 for held, _ in seen)
    assert all(np.abs(constant(made, "l3", 2) - constant(g, "l3", 2)).max() > 0.1 for _, made in seen)
