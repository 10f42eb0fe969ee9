"""The ONNX front end: whole models, paths, folding, number formats, and everything that is refused."""

from __future__ import annotations

import random
import resource
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from edgec.diagnostics import Diagnostic
from edgec.frontends.onnx import load_onnx
from edgec.ir import DType
from edgec.ops.interpret import evaluate
from edgec.quant.formats import to_reals
from edgec.quant.ptq import quantize_graph
from edgec.quant.snr import integer_inputs

RNG = np.random.default_rng(5)


def f(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape).astype(np.float32)


def save(
    path: Path,
    nodes: list[Any],
    weights: dict[str, np.ndarray] | None = None,
    *,
    x: tuple[Any, ...] = (1, 4),
    y: tuple[Any, ...] | None = None,
    kind: int = TensorProto.FLOAT,
    opset: int = 17,
) -> Path:
    """A model from x to y."""
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", kind, x)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None] * len(x) if y is None else y)],
        [numpy_helper.from_array(w, n) for n, w in (weights or {}).items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10), path)
    return path


def node(op: str, inputs: str, outputs: str = "y", name: str = "", **attrs: Any) -> Any:
    return helper.make_node(op, inputs.split(), outputs.split(), name=name, **attrs)


def refused(path: Path, code: str) -> Diagnostic:
    with pytest.raises(Diagnostic) as e:
        load_onnx(path)
    assert e.value.code == code, e.value.render()
    return e.value


def agrees(path: Path, *shape: int) -> Any:
    x = f(*shape)
    graph = load_onnx(path)
    (name,) = graph.outputs
    (want,) = ReferenceEvaluator(str(path)).run(None, {"x": x})
    np.testing.assert_allclose(evaluate(graph, {"x": x})[name], want, rtol=1e-3, atol=1e-4)
    return graph


# -- models -----------------------------------------------------------------


def test_shape_chains_are_folded(tmp_path: Path) -> None:
    nodes = [
        node("Shape", "x", "s"),
        node("Gather", "s zero", "n", axis=0),
        node("Unsqueeze", "n axis", "n1"),
        node("Concat", "n1 minus", "shape", axis=0),
        node("Reshape", "x shape", "y"),
    ]
    zero, axis, minus = np.array(0), np.array([0]), np.array([-1])
    path = save(
        tmp_path / "m.onnx", nodes, {"zero": zero, "axis": axis, "minus": minus}, x=("N", 2, 3), y=(1, 6)
    )
    graph = agrees(path, 1, 2, 3)
    assert [n.op for n in graph.nodes()] == ["reshape"]
    assert graph.type("x").shape == (1, 2, 3)


def test_shared_weights_stay_one_constant(tmp_path: Path) -> None:
    nodes = [node("MatMul", "x w", "h"), node("Relu", "h", "r"), node("MatMul", "r w", "y")]
    graph = agrees(save(tmp_path / "m.onnx", nodes, {"w": f(4, 4)}), 1, 4)
    constants = [v for v in graph.values.values() if v.data is not None]
    assert len(constants) == 1


def test_paths_come_from_the_exporters_names(tmp_path: Path) -> None:
    nodes = [
        node("Relu", "x", "a", "/layer1/layer1.0/act/Relu"),
        node("Tanh", "a", "b", "plain"),
        node("Sigmoid", "b", "y"),
    ]
    meta = nodes[2].metadata_props.add()
    meta.key, meta.value = "pkg.torch.onnx.name_scopes", "['', 'head', 'head.act', 'sigmoid']"
    graph = load_onnx(save(tmp_path / "m.onnx", nodes))
    assert [n.path for n in graph.nodes()] == ["layer1.0.act", "plain", "head.act"]


@pytest.mark.parametrize("opset", [11, 12])
def test_older_opsets_are_converted(tmp_path: Path, opset: int) -> None:
    nodes = [node("Squeeze", "x", "s", axes=[2]), node("Softmax", "s", "y", axis=1)]
    agrees(save(tmp_path / "m.onnx", nodes, x=(1, 4, 1), y=(1, 4), opset=opset), 1, 4, 1)


def test_torch_export(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    nn = torch.nn

    class Net(nn.Module):  # type: ignore[name-defined,misc]
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.BatchNorm2d(8), nn.Hardswish())
            self.up = nn.ConvTranspose2d(8, 8, 2, 2, groups=2)
            self.norm = nn.LayerNorm(8)
            self.attn = nn.MultiheadAttention(8, 2, batch_first=True)
            self.head = nn.Linear(8, 5)

        def forward(self, x: Any) -> Any:
            t = self.up(self.stem(x)).flatten(2).transpose(1, 2)
            n = self.norm(t)
            t = t + self.attn(n, n, n, need_weights=False)[0]
            return self.head(t.mean(1))

    model = Net().eval()
    model.stem[1].running_mean += 0.3
    x = torch.randn(1, 3, 12, 8)
    torch.onnx.export(model, (x,), tmp_path / "m.onnx", dynamo=True, verbose=False)
    graph = load_onnx(tmp_path / "m.onnx")
    (name,), (feed,) = graph.outputs, graph.inputs
    got = evaluate(graph, {feed: x.numpy()})[name]
    np.testing.assert_allclose(got, model(x).detach().numpy(), rtol=1e-3, atol=1e-4)
    assert {"up", "norm", "head"} <= {n.path for n in graph.nodes()}
    assert graph.type(feed).layout == "NCHW"


def test_comparisons_become_zeros_and_ones(tmp_path: Path) -> None:
    nodes = [
        node("Greater", "x half", "g"),
        node("Less", "x minus", "l"),
        node("Or", "g l", "o"),
        node("Not", "o", "n"),
        node("And", "n n", "a"),
        node("Where", "a zero x", "y"),
    ]
    weights = {"half": np.float32(0.5), "minus": np.float32(-0.5), "zero": np.float32(0)}
    agrees(save(tmp_path / "m.onnx", nodes, weights, x=(1, 40)), 1, 40)


def test_external_data(tmp_path: Path) -> None:
    path = save(tmp_path / "m.onnx", [node("MatMul", "x w", "y")], {"w": f(4, 400)}, y=(1, 400))
    model = onnx.load(path)
    onnx.save(model, path, save_as_external_data=True, location="m.data", size_threshold=0)
    agrees(path, 1, 4)
    whole = (tmp_path / "m.data").read_bytes()
    (tmp_path / "m.data").write_bytes(whole[:100])
    refused(path, "E201")
    (tmp_path / "m.data").unlink()
    assert "m.data" in refused(path, "E201").render()
    outside = onnx.load(path, load_external_data=False)
    for location in ("../secret.bin", "/etc/hostname"):
        outside.graph.initializer[0].external_data[0].value = location
        onnx.save(outside, tmp_path / "o.onnx")
        assert "outside" in refused(tmp_path / "o.onnx", "E201").title


# -- number formats ---------------------------------------------------------


def qdq(path: Path, zero: Any) -> Path:
    """x -> Q -> DQ -> conv with int8 weights per channel -> Q -> DQ."""
    weights = {
        "s": np.float32(0.05), "z": zero, "s2": np.float32(0.1),
        "w": RNG.integers(-90, 90, (6, 3, 3, 3)).astype(np.int8),
        "ws": np.abs(f(6)) + 0.01, "wz": np.zeros(6, np.int8), "b": f(6),
    }  # fmt: skip
    nodes = [
        node("QuantizeLinear", "x s z", "xq"),
        node("DequantizeLinear", "xq s z", "xd"),
        node("DequantizeLinear", "w ws wz", "wd", axis=0),
        node("Conv", "xd wd b", "c", "conv", pads=[1, 1, 1, 1]),
        node("QuantizeLinear", "c s2 z", "cq"),
        node("DequantizeLinear", "cq s2 z", "y"),
    ]
    return save(path, nodes, weights, x=(1, 3, 6, 6), opset=21)


@pytest.mark.parametrize("zero", [np.int8(5), np.uint8(133)])
def test_qdq_parameters_are_kept(tmp_path: Path, zero: Any) -> None:
    path = qdq(tmp_path / "m.onnx", zero)
    graph = load_onnx(path)
    assert [n.op for n in graph.nodes() if n.op.endswith("quantize")] == ["quantize", "dequantize"] * 2
    integer = quantize_graph(graph, {})
    conv = next(n for n in integer.nodes() if n.op == "conv2d")
    x, w, y = integer.type(conv.inputs[0]), integer.type(conv.inputs[1]), integer.type(conv.outputs[0])
    assert (x.q.s, x.q.z) == (pytest.approx(0.05), 5) and (y.q.s, y.q.z) == (pytest.approx(0.1), 5)
    stored = {i.name: numpy_helper.to_array(i) for i in onnx.load(tmp_path / "m.onnx").graph.initializer}
    np.testing.assert_array_equal(integer.data(conv.inputs[1]), stored["w"].transpose(0, 2, 3, 1))
    np.testing.assert_allclose(w.q.scale, stored["ws"])
    assert not any(n.op.endswith("quantize") for n in integer.nodes())
    x_real = f(1, 3, 6, 6)
    (want,) = ReferenceEvaluator(str(path)).run(None, {"x": x_real})
    (name,) = integer.outputs
    held = evaluate(integer, integer_inputs(integer, {"x": x_real}))[name]
    assert integer.type(name).dtype == DType.I8
    assert np.abs(to_reals(held, integer.type(name)) - want).max() < 0.11  # one step


def test_integer_input_is_read_through_its_dequantize(tmp_path: Path) -> None:
    nodes = [node("DequantizeLinear", "x s z", "d"), node("Relu", "d", "y")]
    weights = {"s": np.float32(0.1), "z": np.uint8(100)}
    graph = load_onnx(save(tmp_path / "m.onnx", nodes, weights, kind=TensorProto.UINT8))
    first = graph.nodes()[0]
    assert first.op == "quantize" and graph.type(first.outputs[0]).q.z == -28


# -- refusals ---------------------------------------------------------------


def test_every_unsupported_node_is_listed(tmp_path: Path) -> None:
    nodes = [
        node("Det", "x", "a", "first"),
        node("Relu", "a", "r"),
        node("RandomNormalLike", "r", "b", "second"),
        node("NonZero", "b", "c", "third"),
        node("Cast", "c", "y", to=TensorProto.FLOAT),
    ]
    e = refused(save(tmp_path / "m.onnx", nodes, x=(1, 4, 4)), "E202")
    assert [v for _, v in e.facts] == ["Det in first", "RandomNormalLike in second", "NonZero in third"]


def test_foreign_domains_and_subgraphs_are_unsupported(tmp_path: Path) -> None:
    custom = helper.make_node("FancyOp", ["x"], ["y"], domain="com.example", name="mine")
    path = save(tmp_path / "m.onnx", [custom])
    model = onnx.load(path)
    model.opset_import.append(helper.make_opsetid("com.example", 1))
    onnx.save(model, path)
    assert "domain com.example" in refused(path, "E202").render()


def test_other_dynamic_axes_are_refused(tmp_path: Path) -> None:
    e = refused(save(tmp_path / "m.onnx", [node("Relu", "x", "y")], x=("N", 3, "H", "W")), "E203")
    assert [v for _, v in e.facts] == ["x: axis 2 is H", "x: axis 3 is W"]


def test_integer_inputs_are_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "m.onnx", [node("Gather", "w x", "y")], {"w": f(10, 4)}, kind=TensorProto.INT64)
    assert "int64" in refused(path, "E202").render()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_numbers(tmp_path: Path, value: float) -> None:
    w = f(4, 4)
    w[1, 2] = value
    e = refused(save(tmp_path / "m.onnx", [node("MatMul", "x w", "y", "fc")], {"w": w}), "E204")
    assert ("weight", "w") in e.facts


def test_a_mask_of_minus_infinity_is_no_damage(tmp_path: Path) -> None:
    mask = np.triu(np.full((4, 4), -np.inf, np.float32), 1)
    nodes = [node("Add", "x mask", "a"), node("Softmax", "a", "y")]
    agrees(save(tmp_path / "m.onnx", nodes, {"mask": mask}, x=(1, 4, 4)), 1, 4, 4)


def test_operands_that_do_not_fit(tmp_path: Path) -> None:
    refused(
        save(tmp_path / "m.onnx", [node("Conv", "x w", "y")], {"w": f(8, 7, 3, 3)}, x=(1, 3, 8, 8)), "E206"
    )


@pytest.mark.parametrize("op", ["ConstantOfShape", "Expand", "Tile", "Range"])
def test_huge_constants_are_not_computed(tmp_path: Path, op: str) -> None:
    big = np.array([1 << 20, 1 << 20])
    nodes, weights = {
        "ConstantOfShape": ([node("ConstantOfShape", "big", "h")], {"big": big}),
        "Expand": ([node("Expand", "one big", "h")], {"one": f(1, 1), "big": big}),
        "Tile": ([node("Tile", "one big", "h")], {"one": f(1, 1), "big": big}),
        "Range": (
            [node("Range", "a b c", "h")],
            {"a": np.float32(0), "b": np.float32(1e12), "c": np.float32(1)},
        ),
    }[op]
    path = save(tmp_path / "m.onnx", [*nodes, node("Add", "x h", "y")], weights, x=(1, 1))
    assert "beyond any reason" in refused(path, "E202").render()


@pytest.mark.parametrize("mode", ["constant", "reflect"])
def test_huge_padding_is_refused_at_once(tmp_path: Path, mode: str) -> None:
    pads = np.array([0, 1 << 40, 0, 0])
    path = save(tmp_path / "m.onnx", [node("Pad", "x p", "y", mode=mode)], {"p": pads})
    refused(path, "E202")


def test_an_index_beyond_its_axis_is_refused_at_once(tmp_path: Path) -> None:
    nodes = [node("GatherElements", "w i", "h", "pick", axis=1), node("Add", "x h", "y")]
    weights = {"w": f(1, 4), "i": np.array([[0, 1, 2, 1 << 60]])}
    e = refused(save(tmp_path / "m.onnx", nodes, weights), "E206")
    assert e.where == "pick"


def test_external_data_without_a_proper_name(tmp_path: Path) -> None:
    path = save(tmp_path / "m.onnx", [node("MatMul", "x w", "y")], {"w": f(4, 400)}, y=(1, 400))
    onnx.save(onnx.load(path), path, save_as_external_data=True, location="m.data", size_threshold=0)
    raw = path.read_bytes()
    assert b"m.data" in raw
    path.write_bytes(raw.replace(b"m.data", b"m.d\xffta"))
    refused(path, "E201")


def test_files_that_are_no_models(tmp_path: Path) -> None:
    refused(tmp_path / "missing.onnx", "E205")
    good = qdq(tmp_path / "m.onnx", np.int8(0)).read_bytes()
    for data in (b"", b"junk" * 100, good[: len(good) // 2], good[:40]):
        (tmp_path / "bad.onnx").write_bytes(data)
        refused(tmp_path / "bad.onnx", "E201")


def test_mutations_never_end_in_anything_but_a_diagnostic(tmp_path: Path) -> None:
    nodes = [
        node("Conv", "x w b", "c", "conv", pads=[1, 1, 1, 1], strides=[2, 2]),
        node("Relu", "c", "r"),
        node("GlobalAveragePool", "r", "g"),
        node("Flatten", "g", "f"),
        node("Gemm", "f v d", "y", "fc", transB=1),
    ]
    weights = {"w": f(4, 3, 3, 3), "b": f(4), "v": f(5, 4), "d": f(5)}
    raw = save(tmp_path / "m.onnx", nodes, weights, x=("N", 3, 8, 8), y=(None, 5)).read_bytes()
    rng = random.Random(11)
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (8 << 30, hard))
    try:
        for _ in range(300):
            data = bytearray(raw)
            for _ in range(rng.randint(1, 8)):
                data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
            if rng.random() < 0.2:
                del data[rng.randrange(len(data)) :]
            (tmp_path / "bad.onnx").write_bytes(bytes(data))
            try:
                load_onnx(tmp_path / "bad.onnx")
            except Diagnostic as e:
                known = {"E201", "E202", "E203", "E204", "E206"}
                assert e.code in known  # noqa: PT017
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
