"""The TFLite front end: structure of the graph, and one clear error for whatever is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from edgec.diagnostics import Diagnostic
from edgec.frontends.tflite import load_tflite
from edgec.ir import DType, Graph, Quant
from edgec.ir.verify import verify
from edgec.ops.interpret import evaluate
from tests.frontends.tflite_writer import Op, T, write

MODELS = [
    "mlperf_tiny_ad_autoencoder_int8",
    "mlperf_tiny_ic_resnet8_int8",
    "mlperf_tiny_kws_dscnn_int8",
    "mlperf_tiny_sww_int8",
    "mlperf_tiny_vww_mobilenet_int8",
]
W = np.arange(-10, 10).reshape(4, 5)


def q8(shape: Sequence[int], name: str = "") -> T:
    return T(shape, "INT8", scale=[0.1], zero=[3], name=name)


def load(
    folder: Path, tensors: Sequence[T], ops: Sequence[Op], inputs: Sequence[int], outputs: Sequence[int]
) -> Graph:
    path = folder / "model.tflite"
    path.write_bytes(write(tensors, ops, inputs, outputs))
    return load_tflite(path)


def refuse(
    folder: Path, tensors: Sequence[T], ops: Sequence[Op], inputs: Sequence[int], outputs: Sequence[int]
) -> Diagnostic:
    with pytest.raises(Diagnostic) as e:
        load(folder, tensors, ops, inputs, outputs)
    assert e.value.render()
    return e.value


# -- what a graph looks like ------------------------------------------------


def test_scales_names_and_paths(tmp_path: Path) -> None:
    scale = float(np.float32(0.1))
    tensors = [q8((1, 5), "x"), T((4, 5), "INT8", W, [0.5]), q8((1, 4), "net/dense")]
    graph = load(tmp_path, tensors, [Op("FULLY_CONNECTED", [0, 1], [2])], [0], [2])
    (node,) = graph.nodes()
    assert (node.op, node.path, graph.inputs, graph.outputs) == ("linear", "net/dense", ["x"], ["net/dense"])
    assert graph.type("x").quant == Quant.of(scale, 3)
    assert graph.type(node.outputs[0]).dtype == DType.I8


def test_shared_weights_are_one_constant(tmp_path: Path) -> None:
    square = np.arange(25).reshape(5, 5)
    tensors = [q8((1, 5)), T((5, 5), "INT8", square, [0.5]), q8((1, 5)), q8((1, 5))]
    ops = [Op("FULLY_CONNECTED", [0, 1], [2]), Op("FULLY_CONNECTED", [2, 1], [3])]
    graph = load(tmp_path, tensors, ops, [0], [3])
    a, b = graph.nodes()
    assert a.inputs[1] == b.inputs[1]


def test_several_inputs_and_outputs(tmp_path: Path) -> None:
    tensors = [T((1, 4), name=n) for n in ("a", "b", "sum", "product")]
    graph = load(tmp_path, tensors, [Op("ADD", [0, 1], [2]), Op("MUL", [0, 1], [3])], [0, 1], [3, 2])
    assert graph.inputs == ["a", "b"]
    assert graph.outputs == ["product", "sum"]


@pytest.mark.parametrize("edge", ["FLOAT32", "UINT8"])
def test_formats_at_the_ends_are_dropped(tmp_path: Path, edge: str) -> None:
    scale, zero = ([], []) if edge == "FLOAT32" else ([0.1], [131])
    x, y = (T((1, 4), edge, scale=scale, zero=zero, name=n) for n in "xy")
    tensors = [x, q8((1, 4)), q8((1, 4)), y]
    last = "DEQUANTIZE" if edge == "FLOAT32" else "QUANTIZE"
    graph = load(
        tmp_path, tensors, [Op("QUANTIZE", [0], [1]), Op("ABS", [1], [2]), Op(last, [2], [3])], [0], [3]
    )
    assert [n.op for n in graph.nodes()] == ["pointwise"]
    assert graph.inputs == ["x"]
    assert graph.type("x").dtype == DType.I8


def test_half_and_int8_weights_of_a_float_layer(tmp_path: Path) -> None:
    """float16 models and dynamic-range quantized ones are float models."""
    tensors = [
        *(T((1, 5)), T((4, 5), "FLOAT16", W / 8), T((4, 5)), T((1, 4))),
        *(T((4, 4), "INT8", np.eye(4) * 2, [0.25]), T((1, 4))),
    ]
    ops = [Op("DEQUANTIZE", [1], [2]), Op("FULLY_CONNECTED", [0, 2], [3]), Op("FULLY_CONNECTED", [3, 4], [5])]
    graph = load(tmp_path, tensors, ops, [0], [5])
    x = np.ones((1, 5), np.float32)
    y = evaluate(graph, {graph.inputs[0]: x})[graph.outputs[0]]
    assert np.allclose(y, x @ (W / 8).T * 0.5)


def test_shape_arithmetic_is_folded(tmp_path: Path) -> None:
    """reshape(x, [shape(x)[0], -1]) as converters write it for a batch of any size."""
    one = np.array([1], np.int32)
    tensors = [
        *(T((1, 2, 3, 4), signature=(-1, 2, 3, 4)), T((4,), "INT32"), T((), "INT32"), T((2,), "INT32")),
        *(
            T((1,), "INT32", one - 1),
            T((1,), "INT32", one),
            T((), "INT32", np.array(-1)),
            T((1, 24), signature=(-1, 24)),
        ),
    ]
    ops = [
        Op("SHAPE", [0], [1], "ShapeOptions", {"OutType": 2}),
        Op("STRIDED_SLICE", [1, 4, 5, 5], [2], "StridedSliceOptions", {"ShrinkAxisMask": 1}),
        Op("PACK", [2, 6], [3], "PackOptions", {"ValuesCount": 2}),
        Op("RESHAPE", [0, 3], [7], "ReshapeOptions"),
    ]
    graph = load(tmp_path, tensors, ops, [0], [7])
    assert [n.op for n in graph.nodes()] == ["reshape"]
    assert graph.type(graph.outputs[0]).shape == (1, 24)


def test_weights_beyond_the_flatbuffer(tmp_path: Path) -> None:
    import tflite

    raw = write(
        [q8((1, 5)), T((4, 5), "INT8", W, [0.5]), q8((1, 4))],
        [Op("FULLY_CONNECTED", [0, 1], [2])],
        [0],
        [2],
    )
    plain = tmp_path / "plain.tflite"
    plain.write_bytes(raw)
    original = tflite.Buffer.DataLength
    blob = W.astype(np.int8).tobytes()
    far = tmp_path / "far.tflite"
    far.write_bytes(raw + blob)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tflite.Buffer, "Offset", lambda self: len(raw) if original(self) else 0)
        patch.setattr(tflite.Buffer, "Size", lambda self: len(blob) if original(self) else 0)
        graph = load_tflite(far)
        with pytest.raises(Diagnostic, match="E201"):
            load_tflite(plain)
    (node,) = graph.nodes()
    assert np.array_equal(np.asarray(graph.data(node.inputs[1])), W)


# -- what is refused ----------------------------------------------------------


def test_all_unsupported_operators_are_listed(tmp_path: Path) -> None:
    tensors = [T((1, 4), name=n) for n in ("x", "spectrum", "sorted", "relu", "state")]
    ops = [
        Op("RFFT2D", [0], [1]),
        Op("MyCustomSort", [0], [2]),
        Op("RELU", [1], [3]),
        Op("VAR_HANDLE", [], [4]),
    ]
    e = refuse(tmp_path, tensors, ops, [0], [3])
    assert e.code == "E202"
    assert e.facts == (
        ("op", "RFFT2D in spectrum"),
        ("op", "MyCustomSort in sorted: custom operator"),
        ("op", "VAR_HANDLE in state"),
    )


def test_uint8_and_int16_activations(tmp_path: Path) -> None:
    for dtype in ("UINT8", "INT16"):
        tensors = [T((1, 4), dtype, scale=[0.1], zero=[0]), T((1, 4), dtype, scale=[0.1], zero=[0])]
        e = refuse(tmp_path, tensors, [Op("RELU", [0], [1])], [0], [1])
        assert e.code == "E202"
        assert "int8" in e.remedies[0]


def test_float_between_integers(tmp_path: Path) -> None:
    tensors = [q8((1, 4)), T((1, 4)), T((1, 4), name="middle"), q8((1, 4))]
    ops = [Op("DEQUANTIZE", [0], [1]), Op("EXP", [1], [2]), Op("QUANTIZE", [2], [3])]
    e = refuse(tmp_path, tensors, ops, [0], [3])
    assert e.code == "E202"
    assert e.facts == (("op", "pointwise in middle: float among integer operators"),)


def test_dynamic_shapes(tmp_path: Path) -> None:
    tensors = [T((1, 1, 4), signature=(1, -1, 4), name="clip"), T((1, 1, 4))]
    e = refuse(tmp_path, tensors, [Op("RELU", [0], [1])], [0], [1])
    assert e.code == "E203"
    assert e.facts == (("tensor", "clip"),)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_weights_that_are_no_numbers(tmp_path: Path, bad: float) -> None:
    w = np.ones((4, 5))
    w[2, 3] = bad
    tensors = [T((1, 5)), T((4, 5), data=w, name="dense/kernel"), T((1, 4))]
    e = refuse(tmp_path, tensors, [Op("FULLY_CONNECTED", [0, 1], [2])], [0], [2])
    assert (e.code, e.where) == ("E204", "dense/kernel")


def test_operands_that_do_not_fit(tmp_path: Path) -> None:
    huge = np.full(4, 2**31 - 1)
    tensors = [
        q8((1, 5)),
        T((4, 5), "INT8", W, [0.5]),
        T((4,), "INT32", huge),
        q8((1, 4), "dense"),
    ]
    e = refuse(tmp_path, tensors, [Op("FULLY_CONNECTED", [0, 1, 2], [3])], [0], [3])
    assert (e.code, e.where) == ("E206", "dense")
    tensors = [T((1, 4, 4, 2)), T((1, 3, 3, 3), data=np.ones((1, 3, 3, 3))), T((1, 4, 4, 1))]
    e = refuse(tmp_path, tensors, [Op("CONV_2D", [0, 1], [2], "Conv2DOptions")], [0], [2])
    assert e.code == "E201"


CONTRADICTIONS: dict[str, tuple[list[T], list[Op], list[int], list[int]]] = {
    "reads ahead": (
        [T((1, 4)), T((1, 4)), T((1, 4))],
        [Op("RELU", [1], [2]), Op("RELU", [0], [1])],
        [0],
        [2],
    ),
    "no such tensor": ([T((1, 4)), T((1, 4))], [Op("RELU", [7], [1])], [0], [1]),
    "written twice": ([T((1, 4)), T((1, 4))], [Op("RELU", [0], [1]), Op("ABS", [0], [1])], [0], [1]),
    "no data": ([T((1, 4)), T((1, 4)), T((1, 4))], [Op("ADD", [0, 1], [2])], [0], [2]),
    "wrong size": ([T((1, 4)), T((4,), data=np.ones(3)), T((1, 4))], [Op("ADD", [0, 1], [2])], [0], [2]),
    "wrong result": ([T((1, 4)), T((1, 5))], [Op("RELU", [0], [1])], [0], [1]),
    "scale zero": ([T((1, 4), "INT8", scale=[0.0]), q8((1, 4))], [Op("ABS", [0], [1])], [0], [1]),
    "no scale": ([T((1, 4), "INT8"), q8((1, 4))], [Op("ABS", [0], [1])], [0], [1]),
    "huge": ([T((1, 2**30, 2**30)), T((1, 2**30, 2**30))], [Op("RELU", [0], [1])], [0], [1]),
    "no output": ([T((1, 4)), T((1, 4))], [Op("RELU", [0], [1])], [0], []),
}


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_contradictions(tmp_path: Path, name: str) -> None:
    assert refuse(tmp_path, *CONTRADICTIONS[name]).code == "E201"


@pytest.mark.parametrize("content", [b"", b"TFL3", b"\x00" * 400, b"\x1c\x00\x00\x00TFL3" + b"\xff" * 400])
def test_no_model_at_all(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(content)
    with pytest.raises(Diagnostic, match="E201"):
        load_tflite(path)
    with pytest.raises(Diagnostic, match="E205"):
        load_tflite(tmp_path / "none.tflite")


def mutations(raw: bytes, rng: np.random.Generator, n: int) -> list[bytes]:
    """Truncated, with flipped bits, with random bytes, with extreme words; most near the structure."""
    found = []
    for k in range(n):
        copy = bytearray(raw)
        if k % 4 == 0:
            found.append(bytes(copy[: rng.integers(len(raw))]))
            continue
        for _ in range(int(rng.integers(1, 6))):
            span = min(len(raw), 6000)
            i = int(
                [rng.integers(len(raw)), rng.integers(span), len(raw) - 1 - rng.integers(span)][
                    rng.integers(3)
                ]
            )
            if k % 4 == 1:
                copy[i] ^= 1 << int(rng.integers(8))
            elif k % 4 == 2:
                copy[i] = int(rng.integers(256))
            else:
                copy[i : i + 4] = bytes([int(rng.choice([0, 0xFF, 0x7F, 0x80]))]) * len(copy[i : i + 4])
        found.append(bytes(copy))
    return found


@pytest.mark.parametrize("name", MODELS)
def test_damaged_files(data_dir: Path, tmp_path: Path, name: str) -> None:
    """Whatever is in the file: a graph that can be compiled on, or a diagnostic."""
    raw = (data_dir / "models" / f"{name}.tflite").read_bytes()
    path = tmp_path / "model.tflite"
    for k, content in enumerate(mutations(raw, np.random.default_rng(len(raw)), 60)):
        path.write_bytes(content)
        found = outcome(path)
        if isinstance(found, Graph):
            verify(found)
            if max(x.type.size for x in found.values.values()) < 10**6:
                zeros = {v: np.zeros(found.type(v).shape, found.type(v).dtype.numpy) for v in found.inputs}
                assert set(evaluate(found, zeros)) == set(found.outputs), k
        else:
            assert found.code in ("E201", "E202", "E203", "E204", "E206"), k
            assert found.render()


def outcome(path: Path) -> Graph | Diagnostic:
    try:
        return load_tflite(path)
    except Diagnostic as e:
        return e
