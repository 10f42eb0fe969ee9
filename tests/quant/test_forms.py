"""Projection: weights that a form holds, near those there were."""

from __future__ import annotations

import re
from itertools import combinations

import numpy as np
import pytest

from edgec.ir import DType, Graph, Quant, TensorType
from edgec.ops.base import add_op, call_of, op_of
from edgec.ops.forms import Form
from edgec.ops.interpret import evaluate
from edgec.quant.forms import codebook, every, nearest, project, project_graph

DECIBELS = {
    "int4": 18.0,
    "int4/16": 19.0,
    "int4/64": 18.0,
    "codebook2": 7.0,
    "codebook2/16": 7.0,
    "codebook4": 19.0,
    "codebook6": 31.0,
}
"""What is kept, at least, of weights of a normal distribution."""


def layer(weights: np.ndarray, scale: float = 0.01, bias: bool = True) -> Graph:
    graph, n = Graph(), len(weights)
    x = graph.add_input("x", TensorType((1, 5, weights.shape[1]), DType.I8, Quant.of(0.05, 3)))
    quant = Quant((scale,) * n, (0,) * n, 0)
    operands = [x, graph.add_constant("w", weights, quant)]
    if bias:
        operands.append(graph.add_constant("b", np.arange(n, dtype=np.int32) * 1000, quant))
    (y,) = add_op(graph, "linear", operands, {"activation": ""}, name="fc")
    graph.set_type(y, graph.type(y).with_(dtype=DType.I8, quant=Quant.of(2.0)))
    graph.outputs = [y]
    return graph


def normal(outputs: int, inputs: int) -> np.ndarray:
    w = np.random.default_rng(0).standard_normal((outputs, inputs))
    return np.rint(w / np.abs(w).max(axis=1, keepdims=True) * 127).astype(np.int8)


@pytest.mark.parametrize("form", DECIBELS)
@pytest.mark.parametrize("features", [frozenset[str](), frozenset({"dsp"}), frozenset({"neon"})])
def test_a_form_holds_what_was_projected(form: str, features: frozenset[str]) -> None:
    graph = layer(normal(26, 128))
    before = evaluate(graph, {"x": np.arange(640).reshape(1, 5, 128).astype(np.int8)})["fc"]
    errors = project_graph(graph, every(graph, form))
    (node,) = graph.nodes()
    assert -10 * np.log10(errors["fc"]) > DECIBELS[form]
    graph.features = features
    kernel = op_of(node).kernel(call_of(graph, node))
    assert kernel.form == form and node.attrs["form"] == form
    size = sum(getattr(f.value, "nbytes", 0) for f in kernel.fields.values())
    known = Form.parse(form)
    assert known is not None
    books = -(-26 // known.share) if known.share else 1
    assert size < 26 * 128 * known.bits / 8 * 1.06 + 28 * 20 + books * 2**known.bits
    after = evaluate(graph, {"x": np.arange(640).reshape(1, 5, 128).astype(np.int8)})["fc"]
    assert np.abs(after.astype(int) - before).max() < (40 if form.startswith("codebook2") else 12)


@pytest.mark.parametrize("features", [frozenset[str](), frozenset({"dsp"}), frozenset({"neon"})])
@pytest.mark.parametrize("form", ["int8", "int4", "int4/64", "codebook4", "codebook3/16", "codebook6"])
def test_huffman_stores_the_same_in_fewer_bytes(form: str, features: frozenset[str]) -> None:
    size, held = {}, {}
    for name in (form, f"{form}+huffman"):
        graph = layer(normal(64, 256))
        project_graph(graph, every(graph, name))
        (node,) = graph.nodes()
        graph.features = features
        kernel = op_of(node).kernel(call_of(graph, node))
        assert kernel.form == ("" if name == "int8" else name)
        size[name] = sum(getattr(f.value, "nbytes", 0) for f in kernel.fields.values())
        held[name] = graph.data(node.inputs[1])
    assert np.array_equal(held[form], held[f"{form}+huffman"])
    assert size[f"{form}+huffman"] < 0.99 * size[form]


@pytest.mark.parametrize("features", [frozenset[str](), frozenset({"dsp"})])
@pytest.mark.parametrize("form", ["int8", "int4", "codebook2"])
def test_what_huffman_does_not_shorten_has_the_form_without(form: str, features: frozenset[str]) -> None:
    """Every weight is as frequent as the others, but for int4, of which there are few."""
    few = {"int8": np.arange(-127, 128), "int4": 16 * np.arange(-7, 8), "codebook2": [-50, 0, 3, 90]}[form]
    kernels = []
    for name in (form, f"{form}+huffman"):
        graph = layer(np.resize(few, (8, 16) if form == "int4" else (32, 64)).astype(np.int8))
        graph.features = features
        graph.nodes()[0].attrs["form"] = name
        kernels.append(op_of(graph.nodes()[0]).kernel(call_of(graph, graph.nodes()[0])))
    assert kernels[0].function == kernels[1].function and kernels[0].form == kernels[1].form


def test_the_bias_follows_the_scale() -> None:
    graph = layer(np.full((4, 16), 100, np.int8))
    project_graph(graph, {"fc": "int4"})
    (node,) = graph.nodes()
    assert np.array_equal(graph.data(node.inputs[1]), np.full((4, 16), 112))
    assert np.array_equal(graph.data(node.inputs[2]), np.rint(np.arange(4) * 1000 * 112 / 100))
    assert graph.type(node.inputs[1]).q.scale == pytest.approx((0.01 * 100 / 112,) * 4)


def test_what_a_form_does_not_suit_stays() -> None:
    graph = layer(normal(8, 40))
    assert project_graph(graph, {"fc": "int4/32", "other": "int4"}) == {}
    assert "form" not in graph.nodes()[0].attrs


def test_a_matrix_that_a_form_does_not_hold_is_stored_in_int8() -> None:
    graph = layer(normal(8, 64))
    graph.nodes()[0].attrs["form"] = "codebook3"
    kernel = op_of(graph.nodes()[0]).kernel(call_of(graph, graph.nodes()[0]))
    assert (kernel.function, kernel.form) == ("ec_linear_s8", "")


@pytest.mark.parametrize("seed", range(3))
def test_no_codebook_is_better(seed: int) -> None:
    """Of those with 0 among centres that need not be moved to become 0."""
    values = np.random.default_rng(seed).choice([-90, -60, -20, 0, 30, 33, 80, 120], 60)
    values = np.append(values, [0] * 40)

    def error(book: np.ndarray) -> int:
        return int(np.square(nearest(values, book) - values).sum())

    found = codebook(values, 2)
    assert 0 in found and len(found) == 4
    others = [x for x in range(-95, 125, 12) if x]
    near = [np.array(sorted((0, *three))) for three in combinations(others, 3)]
    assert error(found) <= min(map(error, near))


def test_outputs_of_a_group_have_a_codebook_of_their_own() -> None:
    """The last group is of the outputs that are left."""
    rng = np.random.default_rng(0)
    parts = [
        rng.choice(few, (n, 64)) for few, n in (([-9, 0, 5, 90], 16), ([-70, -3, 0, 8], 16), ([1, 2, 4], 8))
    ]
    w = np.concatenate(parts).astype(np.int8)
    found = project(w, np.full(40, 0.1), Form("codebook2/16", 2, book=True, share=16))
    assert found is not None and np.array_equal(found.weights, w) and found.error == 0
    whole = project(w, np.full(40, 0.1), Form("codebook2", 2, book=True))
    assert whole is not None and whole.error > 0
    graph = layer(w)
    graph.nodes()[0].attrs["form"] = "codebook2/16"
    kernel = op_of(graph.nodes()[0]).kernel(call_of(graph, graph.nodes()[0]))
    book = kernel.fields["coded.book"].value
    assert isinstance(book, np.ndarray) and book.tolist() == [[-9, 0, 5, 90], [-70, -3, 0, 8], [1, 2, 4, 0]]


def test_few_values_are_a_codebook_already() -> None:
    w = np.array([[5, 5, -7, 5]], np.int8)
    found = project(w, np.array([0.1]), Form("codebook2", 2, book=True))
    assert found is not None and np.array_equal(found.weights, w) and found.error == 0


def test_names() -> None:
    assert Form.parse("int8") is None
    assert Form.parse("codebook3/32") == Form("codebook3/32", 3, book=True, share=32)
    assert Form.parse("codebook3/32+huffman") == Form(
        "codebook3/32+huffman", 3, book=True, share=32, huffman=True
    )
    assert Form.parse("int4/64+huffman") == Form("int4/64+huffman", 4, 64, huffman=True)
    whole = Form.parse("int8+huffman")
    assert whole is not None and whole.is_exact and whole.plain == "int8"
    for wrong in (
        "int3",
        "codebook7",
        "int4/20",
        "codebook",
        "codebook4/8",
        "int8/16",
        "+huffman",
        "int8/16+huffman",
    ):
        with pytest.raises(ValueError, match=re.escape(wrong)):
            Form.parse(wrong)
