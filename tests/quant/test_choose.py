"""The choice of number formats: measured, and int16 where int8 is not enough."""

from __future__ import annotations

import numpy as np
import pytest

from edgec.ir import DType, Graph, TensorType
from edgec.ops.base import add_op
from edgec.options import Silent
from edgec.quant.choose import quantize_model
from edgec.quant.data import Samples
from edgec.quant.observe import METHODS, observe
from edgec.quant.ptq import quantize_graph
from edgec.quant.snr import compare
from edgec.quant.streams import residual_streams

RNG = np.random.default_rng(1)


def normal(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape).astype(np.float32)


def residual(outlier: float) -> Graph:
    """Two residual blocks behind a layer norm each; two features carry huge offsets."""
    g = Graph()
    value = g.add_input("x", TensorType((1, 6, 16)))
    offset = np.zeros(16, np.float32)
    offset[3:5] = outlier, -outlier
    (value,) = add_op(g, "add", [value, g.add_constant("pos", offset)], path="embed", name="embed")
    gamma, beta = np.ones(16, np.float32), np.zeros(16, np.float32)
    gamma[3:5] = 0
    for k in range(2):
        affine = [g.add_constant("gamma", gamma), g.add_constant("beta", beta)]
        attrs = {"epsilon": 1e-5, "rms": False}
        (n,) = add_op(g, "layer_norm", [value, *affine], attrs, path=f"{k}.norm", name=f"norm{k}")
        w = g.add_constant("w", normal(16, 16) / 4)
        (branch,) = add_op(g, "linear", [n, w], path=f"{k}.fc", name=f"fc{k}")
        (value,) = add_op(g, "add", [value, branch], path=f"{k}", name=f"sum{k}")
    last = [g.add_constant("gamma", gamma), g.add_constant("beta", beta)]
    g.outputs = list(add_op(g, "layer_norm", [value, *last], {"epsilon": 1e-5, "rms": False}, path="norm"))
    return g


def samples(n: int = 16) -> Samples:
    return Samples({"x": normal(n, 6, 16)}, "test")


def test_streams_are_the_sums_that_norms_read() -> None:
    assert residual_streams(residual(0.0)) == {"embed", "sum0", "sum1"}


def test_int16_streams_where_outliers_swamp_int8() -> None:
    g = residual(100.0)
    chosen = quantize_model(g, samples(), Silent())
    assert chosen.graph.type("sum1").dtype == DType.I16
    assert chosen.fidelity.contrast > 25
    assert "int16" in chosen.method
    narrow = quantize_graph(g, observe(g, samples()).ranges("minmax"))
    assert compare(g, narrow, samples()).contrast < 15


def test_int8_streams_on_demand() -> None:
    g = residual(100.0)
    data = samples()
    chosen = quantize_model(g, data, Silent())
    assert chosen.narrow is not None
    narrow = chosen.narrow()
    assert {narrow.graph.type(v).dtype for v in residual_streams(g)} == {DType.I8}
    assert narrow.narrow is None and narrow.decibels < chosen.decibels - 1
    assert narrow.fidelity.contrast < chosen.fidelity.contrast and narrow.fidelity.layers
    assert "in int8 instead of int16" in narrow.method
    assert narrow.graph is not chosen.narrow().graph  # whoever asks may rewrite it


def test_int8_streams_where_they_will_do() -> None:
    chosen = quantize_model(residual(0.0), samples(), Silent())
    assert chosen.graph.type("sum1").dtype == DType.I8 and chosen.narrow is None
    assert all(m in chosen.method for m in METHODS)


def test_the_best_method_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A single value of 400 in every sample: clipping it costs less than keeping it."""
    g = Graph()
    x = g.add_input("x", TensorType((1, 40, 40, 3)))
    w = normal(8, 3)
    g.outputs = list(add_op(g, "linear", [x, g.add_constant("w", w)], path="fc"))
    data = normal(64, 40, 40, 3)
    data[:, 0, 0, 0] *= 12
    chosen = quantize_model(g, Samples({"x": data}, "test"), Silent())
    by_method = {
        m: compare(
            g, quantize_graph(g, observe(g, Samples({"x": data}, "t")).ranges(m)), chosen_samples(data)
        ).snr
        for m in METHODS
    }
    assert chosen.method.startswith(max(by_method, key=lambda m: by_method[m]))
    assert chosen.fidelity.contrast == pytest.approx(max(by_method.values()), abs=0.3)


def chosen_samples(data: np.ndarray) -> Samples:
    return Samples({"x": data}, "test").head(16)


def test_a_concatenation_rescales_only_what_others_read() -> None:
    g = Graph()
    x = g.add_input("x", TensorType((1, 8)))
    (small,) = add_op(
        g, "mul", [x, g.add_constant("c", np.full(1, 0.01, np.float32))], path="s", name="small"
    )
    (large,) = add_op(g, "mul", [x, g.add_constant("d", np.full(1, 9, np.float32))], path="l", name="large")
    (both,) = add_op(g, "concat", [small, large], {"axis": 1}, path="cat", name="both")
    (other,) = add_op(g, "mul", [small, small], path="o", name="other")
    g.outputs = [both, other]
    data = Samples({"x": normal(32, 8)}, "test")
    q = quantize_graph(g, observe(g, data).ranges("minmax"))
    assert q.type("large").quant == q.type("both").quant
    assert q.type("small").q.s < q.type("both").q.s / 100
    assert compare(g, q, data).cosine > 0.99


def test_masks_of_huge_numbers_keep_the_scores_exact() -> None:
    g = Graph()
    x = g.add_input("x", TensorType((1, 8, 8)))
    mask = np.triu(np.full((8, 8), -1e9, np.float32), 1)
    (masked,) = add_op(g, "add", [x, g.add_constant("mask", mask)], path="mask", name="masked")
    g.outputs = list(add_op(g, "softmax", [masked], path="softmax"))
    data = Samples({"x": normal(32, 8, 8)}, "test")
    q = quantize_graph(g, observe(g, data).ranges("minmax"))
    assert compare(g, q, data).cosine > 0.99
