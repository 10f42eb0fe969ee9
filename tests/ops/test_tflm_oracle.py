"""Integer references against TensorFlow Lite Micro's own results, byte for byte."""

from __future__ import annotations

import json
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgec.frontends.tflite import load_tflite
from edgec.ir import Graph
from edgec.ops.base import call_of, op_of
from edgec.ops.interpret import evaluate
from tests.kernels import FAMILIES, Case

MODELS = {
    "ad": "mlperf_tiny_ad_autoencoder_int8",
    "ic": "mlperf_tiny_ic_resnet8_int8",
    "kws": "mlperf_tiny_kws_dscnn_int8",
    "sww": "mlperf_tiny_sww_int8",
    "vww": "mlperf_tiny_vww_mobilenet_int8",
}
UNITS = [
    *("add0", "add1", "add2", "avgpool_ic", "avgpool_kws", "conv_leftshift", "dw_leftshift"),
    *("fc_floatproduct", "fc_leftshift", "maxpool0", "maxpool1"),
    *(f"mean{k}" for k in range(1, 9)),
    *("mul1", "mul2", "mul3", "mulse1", "mulse2", "resizenn0", "resizenn1"),
    *("softmax2", "softmax3", "softmax10", "softmax10_s002", "softmax10_s05", "softmax12"),
]


def batched(graph: Graph, n: int) -> Graph:
    """The graph for n samples at once: every activation [1, ...] becomes [n, ...]."""
    for node in graph.nodes():
        if node.op == "reshape":
            shape = node.attrs["shape"]
            assert isinstance(shape, tuple) and shape[0] == 1
            node.attrs["shape"] = (n, *shape[1:])
    for value in graph.values.values():
        if value.data is None:
            value.type = value.type.with_(shape=(n, *value.type.shape[1:]))
    return graph


@pytest.mark.parametrize("name", MODELS)
def test_every_layer(data_dir: Path, name: str) -> None:
    golden = np.load(data_dir / "oracle" / f"{name}.npz")
    ops = json.loads(str(golden["ops"]))
    inputs = golden["inputs"]
    graph = batched(load_tflite(data_dir / "models" / f"{MODELS[name]}.tflite"), len(inputs))
    seen: dict[str, np.ndarray] = {}
    outputs = evaluate(graph, {graph.inputs[0]: inputs}, seen.__setitem__)
    assert np.array_equal(outputs[graph.outputs[0]], golden["output"])

    last = {node.name: node.outputs[0] for node in graph.nodes()}
    for k, op in enumerate(ops):
        found = seen[last[op["tensor_name"]]]
        stored = golden[f"t{op['tensor_index']:03d}"]
        assert np.array_equal(found[: len(stored)].reshape(stored.shape), stored), op
        sums = [zlib.crc32(np.ascontiguousarray(x).tobytes()) for x in found]
        assert sums == golden["crc32"][k].tolist(), op


@pytest.mark.parametrize("name", UNITS)
def test_unit(data_dir: Path, name: str) -> None:
    golden = np.load(data_dir / "oracle" / "units" / f"{name}.npz")
    graph = load_tflite(data_dir / "oracle" / "units" / f"{name}.tflite")
    inputs = [golden[f"input{k}"] for k in range(len(graph.inputs))]
    (node,) = graph.nodes()
    if node.op in ("mul", "add") and len(inputs) == 1:
        assert any(graph.is_constant(v) for v in node.inputs)
    graph = batched(graph, len(inputs[0]))
    found = evaluate(graph, dict(zip(graph.inputs, inputs, strict=True)))[graph.outputs[0]]
    assert np.array_equal(found, golden["output"].reshape(found.shape))


@pytest.mark.parametrize("name", MODELS)
def test_kernels_of_a_model(data_dir: Path, name: str) -> None:
    """The C kernels on the golden tensors of input 0, every layer of every model."""
    graph = load_tflite(data_dir / "models" / f"{MODELS[name]}.tflite")
    golden = np.load(data_dir / "oracle" / f"{name}.npz")
    values: dict[str, np.ndarray] = {graph.inputs[0]: golden["inputs"][:1]}
    evaluate(graph, values, values.__setitem__)
    for node in graph.nodes():
        if not op_of(node).is_alias:
            xs = [values[v] for v in node.inputs if not graph.is_constant(v)]
            for family, features in FAMILIES.items():
                call = replace(call_of(graph, node), features=features)
                Case(op_of(node), call, family, xs, values[node.outputs[0]]).disjoint()
