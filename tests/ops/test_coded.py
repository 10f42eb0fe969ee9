"""Coded weights: the kernels against the integer reference, in every form."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgec.ir import Attr, DType, Graph, Quant, TensorType
from edgec.ops.base import Call, add_op, call_of, op_of, registry
from edgec.ops.forms import Form
from edgec.target import load_target
from edgec.tune.measure import measure
from tests.kernels import check_call, quants

FORMS = ["int4", "int4/16", *(f"codebook{k}{group}" for k in range(2, 7) for group in ("", "/16"))]
HUFFMAN = [
    f"{form}+huffman" for form in ("int8", "int4", "int4/16", "codebook2", "codebook4/16", "codebook6")
]


def encodable(form: str, outputs: int, inputs: int, rng: np.random.Generator) -> np.ndarray:
    """Weights that a form holds, int8 [outputs, inputs]; few of them are frequent where that saves bytes."""
    known = Form.parse(form)
    assert known is not None
    if known.book:
        rows = known.share or outputs
        books = [
            rng.choice(np.arange(-127, 128), min(1 << known.bits, 255), replace=False)
            for _ in range(0, outputs, rows)
        ]
        for book in books:
            book[0] = 0
        p = shares(len(books[0]), form)
        return np.concatenate([rng.choice(b, (rows, inputs), p=p) for b in books])[:outputs].astype(np.int8)
    w = rng.choice(np.arange(-7, 8), (outputs, inputs), p=shares(15, form))
    if not known.group:
        return (16 * w).astype(np.int8)
    factors = rng.integers(1, 19, (-(-outputs // 4), -(-inputs // known.group)))
    factors = factors.repeat(4, axis=0)[:outputs].repeat(known.group, axis=1)[:, :inputs]
    return (w * factors).astype(np.int8)


def shares(count: int, form: str) -> np.ndarray:
    """How often each of so many weights is there."""
    falling = 0.01 ** (np.arange(count) / count) if form.endswith("+huffman") else np.ones(count)
    whole: np.ndarray = falling / falling.sum()
    return whole


@settings(max_examples=25, deadline=None)
@given(st.data(), st.sampled_from(FORMS + HUFFMAN))
def test_linear(data: st.DataObject, form: str) -> None:
    draw = data.draw
    lead = draw(st.sampled_from([(1,), (1, 5), (3,), (1, 2, 3), (2, 3), (1, 9)]))
    k = draw(st.sampled_from([16, 32, 48] if "int4/" in form else [1, 3, 7, 12, 26, 33]))
    o = draw(st.integers(1, 40))
    wide = draw(st.booleans())
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    xq, yq = draw(quants), draw(quants)
    scales = tuple(float(np.float32(s)) for s in rng.uniform(0.001, 0.02, o))
    w = encodable(form, o, k, rng)
    b = rng.integers(-(2**12), 2**12, o).astype(np.int32)
    ins = [
        TensorType((*lead, k), DType.I8, xq),
        TensorType(w.shape, DType.I8, Quant(scales, (0,) * o, 0)),
        TensorType(b.shape, DType.I32),
    ]
    check_call(
        "linear",
        ins,
        {"form": form, "block": draw(st.integers(0, 8))},
        consts={1: w, 2: b},
        out_quant=Quant.of(yq.s / 64) if wide else yq,
        out_dtype=DType.I16 if wide else DType.I8,
        seed=draw(st.integers(0, 99)),
    )


@settings(max_examples=20, deadline=None)
@given(st.data(), st.sampled_from(FORMS + HUFFMAN))
def test_conv2d(data: st.DataObject, form: str) -> None:
    draw = data.draw
    c = 16 if "int4/" in form else draw(st.sampled_from([1, 3, 4, 5]))
    kernel = draw(st.sampled_from([(1, 1), (3, 3), (2, 2)]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    o = draw(st.integers(1, 36))
    w = encodable(form, o, kernel[0] * kernel[1] * c, rng).reshape(o, *kernel, c)
    x = TensorType((1, draw(st.integers(3, 6)), draw(st.integers(3, 7)), c), DType.I8, draw(quants), "NHWC")
    scales = tuple(float(np.float32(s)) for s in rng.uniform(0.001, 0.02, o))
    attrs = {
        "form": form,
        "stride": draw(st.sampled_from([(1, 1), (2, 1), (2, 2)])),
        "padding": draw(st.sampled_from([(0, 0, 0, 0), (1, 1, 1, 1), (0, 1, 1, 0)])),
        "dilation": draw(st.sampled_from([(1, 1), (1, 1), (1, 2)])) if kernel == (1, 1) else (1, 1),
        "block": draw(st.integers(0, 2)),
    }
    ins = [x, TensorType(w.shape, DType.I8, Quant(scales, (0,) * o, 0))]
    check_call("conv2d", ins, attrs, consts={1: w}, out_quant=draw(quants), seed=draw(st.integers(0, 99)))


@pytest.mark.parametrize("form", FORMS + HUFFMAN)
def test_outputs_in_parts(form: str) -> None:
    """More weights than are taken apart at a time, and a last part that is no whole unit."""
    w = encodable(form, 42, 256, np.random.default_rng(1))
    x = TensorType((9, 256), DType.I8, Quant.of(0.05, 3))
    ins = [x, TensorType(w.shape, DType.I8, Quant.of(0.01))]
    check_call("linear", ins, {"form": form, "block": 4}, consts={1: w}, out_quant=Quant.of(0.5, -2))


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("form", ["int4/16", *(f"codebook{k}" for k in range(2, 6)), "codebook3/16"])
def test_one_vector_is_multiplied_without_taking_weights_apart(form: str, wide: bool) -> None:
    """Inputs and outputs that fill no run and no unit, and rows by themselves."""
    inputs = 288 if form == "int4/16" else 269
    rng = np.random.default_rng(1)
    w, b = encodable(form, 46, inputs, rng), rng.integers(-(2**12), 2**12, 46).astype(np.int32)
    for rows in (1, 3):
        ins = [
            TensorType((rows, inputs), DType.I8, Quant.of(0.05, 3)),
            TensorType(w.shape, DType.I8, Quant.of(0.01)),
            TensorType(b.shape, DType.I32),
        ]
        out, dtype = (Quant.of(0.01), DType.I16) if wide else (Quant.of(0.5, -2), DType.I8)
        attrs: dict[str, Attr] = {"form": form, "block": 1}
        call = Call("linear", "", attrs, tuple(ins), (TensorType((rows, 46), dtype, out),), (None, w, b))
        kernel = registry()["linear"].kernel(replace(call, features=frozenset({"dsp"})))
        assert (kernel.function.endswith("_lookup"), kernel.decoded) == (True, 0)
        check_call("linear", ins, attrs, consts={1: w, 2: b}, out_quant=out, out_dtype=dtype)


@pytest.mark.parametrize("form", ["int8", *FORMS, *HUFFMAN])
def test_only_whole_tables_of_int8_come_in_parts(form: str) -> None:
    """Kernel.cut is of a table that is computed with as it is: other forms are read where they are stored."""
    graph = Graph()
    graph.features = frozenset({"dsp", "dual"})
    x = graph.add_input("x", TensorType((1, 9, 128), DType.I8, Quant.of(0.05)))
    w = encodable("codebook2" if form == "int8" else form, 64, 128, np.random.default_rng(1))
    operands = [x, graph.add_constant("w", w, Quant.of(0.01))]
    (y,) = add_op(graph, "linear", operands, {"form": form, "block": 8})
    graph.set_type(y, graph.type(y).with_(dtype=DType.I8, quant=Quant.of(1.0)))
    (node,) = graph.nodes()
    kernel = op_of(node).kernel(call_of(graph, node))
    assert kernel.form == ("" if form == "int8" else form)
    assert (kernel.cut is not None) == (form == "int8")


LAYERS = {
    "one vector": ("linear", (1, 512), (128, 512), {}),
    "tokens": ("linear", (1, 64, 192), (192, 192), {"block": 16}),
    "pointwise": ("conv2d", (1, 8, 16, 64), (64, 1, 1, 64), {}),
    "3x3": ("conv2d", (1, 8, 16, 32), (32, 3, 3, 32), {"padding": (1, 1, 1, 1)}),
}
MOST = {"one vector": 1.65}
"""Times the instructions of int8, where not 1.35: with one vector two weights cost a load of their code, one
of themselves and a multiplication."""


@pytest.mark.parametrize("layer", LAYERS)
def test_instructions(layer: str) -> None:
    """What four bits cost on a Cortex-M7, on the simulated board."""
    op, shape, weights, attrs = LAYERS[layer]
    target = load_target("stm32f746")

    def instructions(form: str) -> int:
        graph = Graph()
        graph.features = target.features
        x = graph.add_input("x", TensorType(shape, DType.I8, Quant.of(0.05, 3)))
        w = encodable("int4", weights[0], int(np.prod(weights[1:])), np.random.default_rng(0))
        w_name = graph.add_constant("w", w.reshape(weights), Quant.of(0.01))
        (y,) = add_op(graph, op, [x, w_name], {**attrs, **({"form": form} if form else {})})
        graph.set_type(y, graph.type(y).with_(dtype=DType.I8, quant=Quant.of(1.0)))
        graph.outputs = [y]
        return measure(graph, target).instructions

    plain = instructions("")
    assert instructions("int4") < (1.36 if layer == "one vector" else 1.13) * plain
    assert instructions("codebook4") < MOST.get(layer, 1.35) * plain
