"""Every ONNX op that is converted, against onnx's own reference evaluator."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from edgec.frontends.onnx import load_onnx
from edgec.ops.interpret import evaluate

RNG = np.random.default_rng(3)
IMAGE, TOKENS = (1, 4, 8, 6), (1, 5, 12)


def f(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape).astype(np.float32)


def i(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def case(
    op: str, x: tuple[int, ...], *constants: Any, opset: int = 17, outputs: int = 1, **attrs: Any
) -> Any:
    label = f"{op}-" + "-".join(f"{k}={v}" for k, v in attrs.items())[:40]
    return pytest.param(op, [x], constants, attrs, opset, outputs, id=label)


def pair(
    op: str, x: tuple[int, ...], y: tuple[int, ...], *constants: Any, opset: int = 17, **attrs: Any
) -> Any:
    return pytest.param(op, [x, y], constants, attrs, opset, 1, id=f"{op}-two-{len(x)}-{len(y)}-{attrs}"[:40])


UNARY = [
    "Abs", "Ceil", "Cos", "Erf", "Exp", "Floor", "HardSwish", "Identity", "Neg", "Relu", "Round", "Selu",
    "Sigmoid", "Sign", "Sin", "Softplus", "Softsign", "Tanh", "Dropout",
]  # fmt: skip

CASES = [
    *[case(op, TOKENS) for op in UNARY],
    case("Mish", TOKENS, opset=18),
    case("Gelu", TOKENS, opset=20),
    case("Gelu", TOKENS, opset=20, approximate="tanh"),
    case("LeakyRelu", TOKENS, alpha=0.2),
    case("Elu", TOKENS, alpha=0.7),
    case("Celu", TOKENS, alpha=0.7),
    case("HardSigmoid", TOKENS),
    case("ThresholdedRelu", TOKENS, alpha=0.3),
    case("Shrink", TOKENS, lambd=0.4),
    case("Shrink", TOKENS, lambd=0.4, bias=0.4),
    case("PRelu", IMAGE, f(4, 1, 1)),
    case("Clip", TOKENS, np.float32(0), np.float32(6)),
    case("Clip", TOKENS, np.float32(-0.5), np.float32(0.5)),
    case("Clip", TOKENS, np.float32(-0.5)),
    case("Pow", TOKENS, np.float32(2)),
    case("Add", IMAGE, f(4, 1, 1)),
    case("Sub", IMAGE, f(1)),
    case("Mul", IMAGE, f(6)),
    case("Div", IMAGE, np.float32(3)),
    case("Max", IMAGE, f(6)),
    case("Min", IMAGE, f(6)),
    pair("Add", IMAGE, (1, 4, 1, 1)),
    pair("Sub", IMAGE, IMAGE),
    pair("Mul", IMAGE, (1, 1, 8, 6)),
    pair("Max", IMAGE, IMAGE),
    case("Where", IMAGE, f(6)),
    case("Col2Im", (1, 12, 9), i(5, 5), i(2, 2), opset=18, pads=[0] * 4, strides=[1, 1], dilations=[2, 2]),
    case("Conv", IMAGE, f(8, 4, 3, 3), f(8), pads=[1, 1, 1, 1]),
    case("Conv", IMAGE, f(8, 2, 3, 3), group=2, strides=[2, 1], dilations=[1, 2]),
    case("Conv", IMAGE, f(8, 1, 3, 3), f(8), group=4, pads=[0, 1, 2, 3]),
    case("Conv", IMAGE, f(8, 4, 3, 3), auto_pad="SAME_UPPER", strides=[2, 2]),
    case("Conv", IMAGE, f(8, 4, 2, 2), auto_pad="SAME_LOWER"),
    case("Conv", (1, 4, 9), f(8, 4, 3), f(8), pads=[1, 1], strides=[2]),
    case("ConvTranspose", IMAGE, f(4, 3, 3, 3), f(3), strides=[2, 2], pads=[1] * 4,
         output_padding=[1, 1]),
    case("MaxPool", IMAGE, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
    case("MaxPool", IMAGE, kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1),
    case("AveragePool", IMAGE, kernel_shape=[3, 2], strides=[2, 2], pads=[1, 0, 1, 0]),
    case("AveragePool", IMAGE, kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1),
    case("GlobalAveragePool", IMAGE),
    case("GlobalMaxPool", IMAGE),
    case("Resize", IMAGE, None, i(1), i(1, 4, 16, 12), mode="nearest", nearest_mode="floor",
         coordinate_transformation_mode="asymmetric"),
    case("Resize", IMAGE, None, None, i(1, 4, 13, 9), mode="nearest"),
    case("Resize", IMAGE, None, np.array([1, 1, 2, 2], np.float32), mode="linear"),
    case("Resize", IMAGE, None, None, i(1, 4, 11, 12), mode="linear",
         coordinate_transformation_mode="align_corners"),
    case("Resize", IMAGE, None, np.array([1, 1, 2, 1.5], np.float32), mode="cubic"),
    case("DepthToSpace", IMAGE, blocksize=2),
    case("DepthToSpace", IMAGE, blocksize=2, mode="CRD"),
    case("SpaceToDepth", IMAGE, blocksize=2),
    case("BatchNormalization", IMAGE, f(4), f(4), f(4), np.abs(f(4)) + 0.1),
    case("InstanceNormalization", IMAGE, f(4), f(4)),
    case("GroupNormalization", IMAGE, f(4), f(4), opset=21, num_groups=2),
    case("LayerNormalization", TOKENS, f(12), f(12)),
    case("LayerNormalization", TOKENS, f(5, 12), axis=-2),
    case("RMSNormalization", TOKENS, f(12), opset=23),
    case("LpNormalization", TOKENS),
    case("Softmax", TOKENS),
    case("Softmax", IMAGE, axis=1),
    case("LogSoftmax", TOKENS),
    case("ReduceMean", IMAGE, i(2, 3), opset=18, keepdims=0),
    case("ReduceSum", TOKENS, i(1)),
    case("ReduceMax", TOKENS, i(-1), opset=18),
    case("ReduceMin", TOKENS, i(-1), opset=18),
    case("ReduceL2", TOKENS, i(-1), opset=18),
    case("ArgMax", TOKENS, axis=-1, keepdims=0),
    case("MatMul", TOKENS, f(12, 7)),
    pair("MatMul", (1, 2, 5, 4), (1, 2, 4, 6)),
    pair("MatMul", (1, 2, 5, 4), (4, 6)),
    case("MatMul", (1, 2, 5, 4), f(2, 4, 3)),
    case("Gemm", (1, 12), f(12, 7), f(7), alpha=0.5, beta=2.0),
    case("Gemm", (1, 12), f(7, 12), f(1, 7), transB=1),
    pair("Einsum", (1, 5, 2, 4), (1, 6, 2, 4), equation="bthd,bshd->bhts"),
    pair("Einsum", (1, 5, 4), (7, 4), equation="bik,jk->bij"),
    case("Einsum", (1, 5, 4), equation="bij->bj"),
    pair("Concat", IMAGE, (1, 3, 8, 6), axis=1),
    case("Concat", IMAGE, f(1, 2, 8, 6), axis=1),
    case("Split", IMAGE, i(1, 3), outputs=2, axis=1),
    case("Split", IMAGE, outputs=3, opset=18, axis=3, num_outputs=3),
    case("Slice", IMAGE, i(1, 0), i(9, 100), i(2, 3), i(2, 1)),
    case("Slice", IMAGE, i(-1), i(-100), i(3), i(-1)),
    case("Pad", IMAGE, i(0, 0, 1, 2, 0, 0, 3, 0), np.float32(0.5)),
    case("Pad", IMAGE, i(0, 0, 1, 2, 0, 0, 3, 0), mode="reflect"),
    case("Pad", IMAGE, i(0, 0, 1, 2, 0, 0, 3, 0), mode="edge"),
    case("Transpose", IMAGE, perm=[0, 2, 3, 1]),
    case("Reshape", IMAGE, i(0, 2, -1)),
    case("Flatten", IMAGE),
    case("Squeeze", (1, 4, 1, 6), i(2)),
    case("Unsqueeze", TOKENS, i(0, 3)),
    case("Gather", TOKENS, np.array([[0, 2], [4, -1]]), axis=1),
    case("Gather", TOKENS, np.array(3), axis=1),
    case("GatherElements", TOKENS, np.array([[[0, 1]] * 5]), axis=2),
    case("GatherND", TOKENS, np.array([[0, 2], [0, 4]])),
    case("Expand", (1, 1, 12), i(1, 5, 1)),
    case("Tile", TOKENS, i(1, 2, 3)),
    case("Trilu", (1, 5, 5), np.array(1), upper=0),
    pytest.param("Attention", [(1, 2, 5, 4)] * 3, (), {}, 23, 1, id="Attention-heads"),
    pytest.param("Attention", [(1, 5, 12)] * 3, (f(5, 5),), {"q_num_heads": 3, "kv_num_heads": 3}, 23, 1,
                 id="Attention-flat"),
]  # fmt: skip


@pytest.mark.parametrize(("op", "inputs", "constants", "attrs", "opset", "outputs"), CASES)
def test_op_equals_the_reference(
    tmp_path: Path, op: str, inputs: Any, constants: Any, attrs: Any, opset: int, outputs: int
) -> None:
    names = [f"x{k}" for k in range(len(inputs))]
    weights = {f"c{k}": np.asarray(c) for k, c in enumerate(constants) if c is not None}
    operands = names + [f"c{k}" if c is not None else "" for k, c in enumerate(constants)]
    if op == "Where":
        weights["mask"] = RNG.random(inputs[0]) > 0.5
        operands = ["mask", *operands]
    results = [f"y{k}" for k in range(outputs)]
    node = helper.make_node(op, operands, results, name=f"the_{op}", **attrs)
    kind = TensorProto.INT64 if op == "ArgMax" else TensorProto.FLOAT
    ins = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in zip(names, inputs, strict=True)]
    initializers = [numpy_helper.from_array(w, n) for n, w in weights.items()]

    def model(shapes: list[Any]) -> onnx.ModelProto:
        outs = [helper.make_tensor_value_info(r, kind, s) for r, s in zip(results, shapes, strict=True)]
        graph = helper.make_graph([node], "g", ins, outs, initializers)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)

    feeds = {n: f(*s) for n, s in zip(names, inputs, strict=True)}
    want = ReferenceEvaluator(model([None] * outputs)).run(None, feeds)
    onnx.save(model([y.shape for y in want]), tmp_path / "m.onnx")
    loaded = load_onnx(tmp_path / "m.onnx")
    got = evaluate(loaded, feeds)
    for name, expected in zip(loaded.outputs, want, strict=True):
        assert got[name].shape == expected.shape
        np.testing.assert_allclose(got[name], expected, rtol=2e-4, atol=2e-5)
    assert all(n.path == f"the_{op}" for n in loaded.nodes())
