"""Post-training quantization: formats, constants, and agreement with float."""

from __future__ import annotations

import numpy as np
import pytest

from edgec.ir import DType, Graph, Quant, TensorType
from edgec.ops.base import add_op
from edgec.ops.interpret import evaluate
from edgec.quant.data import Samples
from edgec.quant.formats import Range, asymmetric, to_integers, to_reals
from edgec.quant.observe import METHODS, Histogram, observe
from edgec.quant.ptq import quantize_graph
from edgec.quant.snr import compare, table

RNG = np.random.default_rng(0)


def normal(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape).astype(np.float32)


def mlp(scale: float = 1.0, weights: np.ndarray | None = None, bias: np.ndarray | None = None) -> Graph:
    g = Graph()
    x = g.add_input("x", TensorType((1, 24)))
    w = g.add_constant("w", normal(32, 24) * scale if weights is None else weights)
    rows = g.type(w).shape[0]
    b = g.add_constant("b", normal(rows) * scale if bias is None else bias)
    (h,) = add_op(g, "linear", [x, w, b], {"activation": "relu"}, path="body.fc1", name="fc1")
    v = g.add_constant("v", normal(10, rows))
    (y,) = add_op(g, "linear", [h, v], path="body.fc2", name="fc2")
    g.outputs = [y]
    return g


def samples(n: int = 16, features: int = 24) -> Samples:
    return Samples({"x": normal(n, features)}, "test")


def test_histogram_holds_what_it_saw() -> None:
    h, x = Histogram(), normal(5000) * 0.01
    h.add(x)
    h.add(np.array([300.0, -np.inf, 0.0], np.float32))
    points, counts = h.points()
    assert counts.sum() == h.total == 5002
    assert (h.lo, h.hi) == (x.min(), 300.0)
    assert abs(float(points @ counts) - float(x.sum() + 300)) < 0.05 * 5002
    assert 0.0 in points


def error(x: np.ndarray, r: Range) -> float:
    t = TensorType(x.shape, DType.I8, asymmetric(r))
    return float(np.square(to_reals(to_integers(x, t), t) - x).sum())


@pytest.mark.parametrize("method", METHODS)
def test_ranges_follow_the_method(method: str) -> None:
    g = Graph()
    x = g.add_input("x", TensorType((1, 1 << 17)))
    w = g.add_constant("w", np.zeros((1, 1 << 17), np.float32))
    g.outputs = list(add_op(g, "linear", [x, w]))
    data = RNG.laplace(size=(1, 1 << 17)).astype(np.float32) ** 3
    r = observe(g, Samples({"x": data}, "test")).ranges(method)["x"]
    if method == "minmax":
        assert r == Range(float(data.min()), float(data.max()))
    else:
        assert r.hi < data.max() and r.lo > data.min()
        assert method != "mse" or error(data, r) < error(data, Range(float(data.min()), float(data.max())))


def test_softmax_operand_need_not_reach_minus_infinity() -> None:
    g = Graph()
    x = g.add_input("x", TensorType((1, 40, 4000)))
    g.outputs = list(add_op(g, "softmax", [x]))
    data = normal(1, 40, 4000)
    data[0, :, 7] = -1e9
    r = observe(g, Samples({"x": data}, "test")).ranges("minmax")["x"]
    assert -20 < r.lo < -5


@pytest.mark.parametrize(("length", "peak", "halved"), [(10, 0.0, 0), (1024, 0.0, 6), (1024, 9.0, 0)])
def test_shares_of_many_have_finer_steps(length: int, peak: float, halved: int) -> None:
    g = Graph()
    x = g.add_input("x", TensorType((1, length)))
    g.outputs = list(add_op(g, "softmax", [x]))
    data = 0.1 * normal(4, length)
    data[:, 0] += peak
    held = quantize_graph(g, observe(g, Samples({"x": data}, "test")).ranges("minmax"))
    assert held.type(held.outputs[0]).quant == Quant.of(2.0 ** -(8 + halved), -128)


def test_asymmetric_has_an_exact_zero() -> None:
    for lo, hi in [(-1.0, 3.0), (0.0, 6.0), (-5.0, 0.0), (0.0, 0.0), (-1e-30, 1e-30), (-1e20, 1.0)]:
        q = asymmetric(Range.of(lo, hi))
        t = TensorType((1,), DType.I8, q)
        assert to_reals(to_integers(np.zeros(1, np.float32), t), t)[0] == 0.0
        assert -128 <= q.z <= 127 and q.s > 0


def test_agreement_and_names() -> None:
    g = mlp()
    q = quantize_graph(g, observe(g, samples()).ranges("minmax"))
    assert {n.name for n in q.nodes()} == {"fc1", "fc2"}
    assert g.type("x").dtype == DType.F32, "the float graph was changed"
    fc1 = q.node("fc1")
    w, b = q.type(fc1.inputs[1]), q.type(fc1.inputs[2])
    assert (w.dtype, w.q.axis, len(w.q.scale), set(w.q.zero_point)) == (DType.I8, 0, 32, {0})
    assert b.dtype == DType.I32
    np.testing.assert_allclose(b.q.scale, np.array(w.q.scale) * q.type("x").q.s)
    fidelity = compare(g, q, samples())
    assert fidelity.cosine > 0.999 and fidelity.snr > 30
    assert {s.path for s in fidelity.layers} == {"body.fc1", "body.fc2"}
    assert "body.fc1 (linear, i8)" in table(fidelity)


def test_a_broken_layer_stands_first_in_the_table() -> None:
    g = mlp()
    ranges = observe(g, samples()).ranges("minmax")
    ranges["fc1"] = Range(ranges["fc1"].lo, ranges["fc1"].hi * 20)
    fidelity = compare(g, quantize_graph(g, ranges), samples())
    assert fidelity.worst()[0].path == "body.fc1"


def test_dead_and_huge_channels() -> None:
    w, b = normal(8, 24), normal(8)
    w[0] = 0
    w[1], b[1] = 1e-8, 100.0
    w[2], b[2] = 0, -3.0
    w[3] = 5
    w[4] *= 1e-20
    g = mlp(weights=w, bias=b)
    q = quantize_graph(g, observe(g, samples()).ranges("minmax"))
    fc1 = q.node("fc1")
    acc_limit = np.abs(q.data(fc1.inputs[1]).astype(np.int64)).sum(axis=1) * 255
    assert (acc_limit + np.abs(q.data(fc1.inputs[2]).astype(np.int64)) < 2**31).all()
    assert compare(g, q, samples()).cosine > 0.999


@pytest.mark.parametrize("scale", [1e-15, 1e-6, 1e6])
def test_any_magnitude(scale: float) -> None:
    g = mlp(scale)
    q = quantize_graph(g, observe(g, samples()).ranges("minmax"))
    assert compare(g, q, samples()).cosine > (0.999 if scale > 1e-9 else 0.0)


def test_a_silent_layer_does_not_wrap_on_other_inputs() -> None:
    """Calibration saw only zeros behind the ReLU; a later input drives it far out."""
    g = mlp(weights=np.ones((4, 24), np.float32), bias=np.zeros(4, np.float32))
    quiet = Samples({"x": -np.abs(normal(8, 24))}, "test")
    q = quantize_graph(g, observe(g, quiet).ranges("minmax"))
    seen: dict[str, np.ndarray] = {}
    evaluate(q, {"x": np.full((1, 24), 127, np.int8)}, seen.__setitem__)
    assert (seen["fc1"] >= q.type("fc1").q.z).all()


def test_places_of_an_argmax_are_counted_one_by_one() -> None:
    rng, g = np.random.default_rng(4), Graph()
    x = g.add_input("x", TensorType((1, 6, 6, 8)))
    w = g.add_constant("w", rng.standard_normal((5, 8)).astype(np.float32))
    (scores,) = add_op(g, "linear", [x, w], name="scores")
    (y,) = add_op(g, "argmax", [scores], {"axis": 3, "keepdims": False}, name="places")
    g.outputs = [y]
    seen = Samples({"x": rng.standard_normal((8, 6, 6, 8)).astype(np.float32)}, "test")
    q = quantize_graph(g, observe(g, seen).ranges("minmax"))
    held = [evaluate(q, {"x": to_integers(a, q.type("x"))})["places"] for a in seen.arrays["x"][:, None]]
    real = [evaluate(g, seen.sample(k))["places"] for k in range(len(seen))]
    agreed = compare(g, q, seen).top1
    assert agreed == pytest.approx(np.mean([a == b for a, b in zip(held, real, strict=True)]))
    assert 0.9 < agreed < 1


def test_shared_constant_in_two_roles_is_split() -> None:
    g = Graph()
    x = g.add_input("x", TensorType((1, 8)))
    c = g.add_constant("c", normal(8, 8))
    (a,) = add_op(g, "linear", [x, c], name="a")
    (b,) = add_op(g, "linear", [a, c], name="b")
    g.outputs = [b]
    seen = samples(features=8)
    q = quantize_graph(g, observe(g, seen).ranges("minmax"))
    assert compare(g, q, seen).cosine > 0.999
    assert not any(v.type.dtype == DType.F32 for v in q.values.values())


def test_stated_weight_parameters_are_kept() -> None:
    scale = Quant(tuple([0.25] * 4), (0,) * 4, 0)
    integers = RNG.integers(-60, 60, (4, 24)).astype(np.int8)
    g = mlp(weights=integers.astype(np.float32) * 0.25, bias=np.zeros(4, np.float32))
    g.set_type("w", g.type("w").with_(quant=scale))
    q = quantize_graph(g, observe(g, samples()).ranges("minmax"))
    np.testing.assert_array_equal(q.data(q.node("fc1").inputs[1]), integers)
