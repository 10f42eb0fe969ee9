"""Every TFLite operator: the float graph and the integer one against LiteRT's reference kernels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgec.frontends.tflite import load_tflite
from edgec.ops.interpret import evaluate
from tests.frontends.tflite_writer import Op, T, write

litert = pytest.importorskip("ai_edge_litert.interpreter", reason="ai-edge-litert is not installed")

IMAGE = (1, 6, 5, 4)
RNG = np.random.default_rng(5)


def weights(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


def ints(*values: Any) -> np.ndarray:
    return np.array(values, np.int32)


def conv(padding: int, stride: int, dilation: int = 1, activation: int = 0) -> dict[str, int]:
    return {
        "Padding": padding,
        "StrideH": stride,
        "StrideW": stride,
        "FusedActivationFunction": activation,
        "DilationHFactor": dilation,
        "DilationWFactor": dilation,
    }


def pool(padding: int, kernel: int, stride: int) -> dict[str, int]:
    window = {"FilterHeight": kernel, "FilterWidth": kernel}
    return {"Padding": padding, "StrideH": stride, "StrideW": stride, **window}


Case = tuple[str, list[Any], str, dict[str, Any], list[tuple[int, ...]]]
"""Operator, operands (shape of an input, array of a constant), options, shapes of the results."""

CASES: dict[str, Case] = {
    "conv_same": (
        "CONV_2D",
        [IMAGE, weights(3, 3, 3, 4), weights(3)],
        "Conv2DOptions",
        conv(0, 2),
        [(1, 3, 3, 3)],
    ),
    "conv_valid": (
        "CONV_2D",
        [IMAGE, weights(3, 2, 2, 4), weights(3)],
        "Conv2DOptions",
        conv(1, 1, 2, 1),
        [(1, 4, 3, 3)],
    ),
    "conv_groups": (
        "CONV_2D",
        [IMAGE, weights(6, 3, 3, 2), weights(6)],
        "Conv2DOptions",
        conv(0, 1),
        [(1, 6, 5, 6)],
    ),
    "depthwise": (
        "DEPTHWISE_CONV_2D",
        [IMAGE, weights(1, 3, 3, 8), weights(8)],
        "DepthwiseConv2DOptions",
        conv(0, 2) | {"DepthMultiplier": 2},
        [(1, 3, 3, 8)],
    ),
    "transpose_conv_same": (
        "TRANSPOSE_CONV",
        [ints(1, 12, 10, 3), weights(3, 3, 3, 4), IMAGE],
        "TransposeConvOptions",
        {"Padding": 0, "StrideH": 2, "StrideW": 2},
        [(1, 12, 10, 3)],
    ),
    "transpose_conv_valid": (
        "TRANSPOSE_CONV",
        [ints(1, 13, 11, 3), weights(3, 3, 3, 4), IMAGE],
        "TransposeConvOptions",
        {"Padding": 1, "StrideH": 2, "StrideW": 2},
        [(1, 13, 11, 3)],
    ),
    "dense": ("FULLY_CONNECTED", [(2, 8), weights(5, 8), weights(5)], "FullyConnectedOptions", {}, [(2, 5)]),
    "dense_flat": ("FULLY_CONNECTED", [IMAGE, weights(5, 120)], "FullyConnectedOptions", {}, [(1, 5)]),
    "dense_keep": (
        "FULLY_CONNECTED",
        [(1, 3, 8), weights(5, 8), weights(5)],
        "FullyConnectedOptions",
        {"KeepNumDims": True, "FusedActivationFunction": 1},
        [(1, 3, 5)],
    ),
    "average": ("AVERAGE_POOL_2D", [IMAGE], "Pool2DOptions", pool(0, 3, 2), [(1, 3, 3, 4)]),
    "maximum_pool": ("MAX_POOL_2D", [IMAGE], "Pool2DOptions", pool(0, 3, 2), [(1, 3, 3, 4)]),
    "mean": ("MEAN", [IMAGE, ints(1, 2)], "ReducerOptions", {}, [(1, 4)]),
    "mean_keep": ("MEAN", [IMAGE, ints(1, 2)], "ReducerOptions", {"KeepDims": True}, [(1, 1, 1, 4)]),
    "sum": ("SUM", [(1, 5, 7), ints(-1)], "ReducerOptions", {"KeepDims": True}, [(1, 5, 1)]),
    "reduce_max": ("REDUCE_MAX", [IMAGE, ints(2)], "ReducerOptions", {}, [(1, 6, 4)]),
    "softmax": ("SOFTMAX", [(3, 7)], "SoftmaxOptions", {"Beta": 1.0}, [(3, 7)]),
    "add": ("ADD", [IMAGE, IMAGE], "AddOptions", {"FusedActivationFunction": 3}, [IMAGE]),
    "add_row": ("ADD", [IMAGE, weights(4)], "AddOptions", {}, [IMAGE]),
    "sub": ("SUB", [IMAGE, (1, 1, 1, 4)], "SubOptions", {}, [IMAGE]),
    "mul": ("MUL", [IMAGE, (1, 1, 5, 1)], "MulOptions", {}, [IMAGE]),
    "div": ("DIV", [IMAGE, weights(4) + 4], "DivOptions", {}, [IMAGE]),
    "maximum": ("MAXIMUM", [IMAGE, IMAGE], "MaximumMinimumOptions", {}, [IMAGE]),
    "minimum": ("MINIMUM", [IMAGE, weights(1)], "MaximumMinimumOptions", {}, [IMAGE]),
    "squared_difference": ("SQUARED_DIFFERENCE", [IMAGE, IMAGE], "SquaredDifferenceOptions", {}, [IMAGE]),
    "prelu": ("PRELU", [IMAGE, weights(1, 1, 4)], "", {}, [IMAGE]),
    "leaky_relu": ("LEAKY_RELU", [IMAGE], "LeakyReluOptions", {"Alpha": 0.2}, [IMAGE]),
    "gelu": ("GELU", [IMAGE], "GeluOptions", {"Approximate": False}, [IMAGE]),
    "gelu_tanh": ("GELU", [IMAGE], "GeluOptions", {"Approximate": True}, [IMAGE]),
    **{
        name: (name, [IMAGE], "", {}, [IMAGE])
        for name in ("RELU", "RELU6", "RELU_N1_TO_1", "LOGISTIC", "TANH")
    },
    **{
        name: (name, [IMAGE], "", {}, [IMAGE])
        for name in ("HARD_SWISH", "EXP", "SQUARE", "ABS", "NEG", "SIN")
    },
    "reshape": ("RESHAPE", [IMAGE, ints(1, -1, 8)], "ReshapeOptions", {}, [(1, 15, 8)]),
    "squeeze": ("SQUEEZE", [(1, 1, 5, 4)], "SqueezeOptions", {"SqueezeDims": [1]}, [(1, 5, 4)]),
    "expand_dims": ("EXPAND_DIMS", [(1, 5, 4), ints(1)], "ExpandDimsOptions", {}, [(1, 1, 5, 4)]),
    "transpose": ("TRANSPOSE", [IMAGE, ints(0, 3, 1, 2)], "TransposeOptions", {}, [(1, 4, 6, 5)]),
    "pad": ("PAD", [IMAGE, ints([0, 0], [1, 2], [0, 1], [0, 3])], "PadOptions", {}, [(1, 9, 6, 7)]),
    "padv2": (
        "PADV2",
        [IMAGE, ints([0, 0], [1, 2], [0, 1], [0, 0]), weights(1)],
        "PadV2Options",
        {},
        [(1, 9, 6, 4)],
    ),
    "reflect": (
        "MIRROR_PAD",
        [IMAGE, ints([0, 0], [2, 1], [1, 1], [0, 0])],
        "MirrorPadOptions",
        {"Mode": 0},
        [(1, 9, 7, 4)],
    ),
    "symmetric": (
        "MIRROR_PAD",
        [IMAGE, ints([0, 0], [2, 1], [1, 1], [0, 0])],
        "MirrorPadOptions",
        {"Mode": 1},
        [(1, 9, 7, 4)],
    ),
    "concat": (
        "CONCATENATION",
        [IMAGE, IMAGE, weights(1, 6, 5, 2)],
        "ConcatenationOptions",
        {"Axis": -1},
        [(1, 6, 5, 10)],
    ),
    "pack": ("PACK", [(1, 5, 4), (1, 5, 4)], "PackOptions", {"ValuesCount": 2, "Axis": 1}, [(1, 2, 5, 4)]),
    "unpack": ("UNPACK", [(1, 3, 4)], "UnpackOptions", {"Num": 3, "Axis": 1}, [(1, 4)] * 3),
    "split": ("SPLIT", [ints(3), IMAGE], "SplitOptions", {"NumSplits": 2}, [(1, 6, 5, 2)] * 2),
    "split_v": (
        "SPLIT_V",
        [IMAGE, ints(1, -1), ints(2)],
        "SplitVOptions",
        {"NumSplits": 2},
        [(1, 6, 1, 4), (1, 6, 4, 4)],
    ),
    "slice": ("SLICE", [IMAGE, ints(0, 1, 2, 0), ints(1, 3, -1, 2)], "SliceOptions", {}, [(1, 3, 3, 2)]),
    "strided_slice": (
        "STRIDED_SLICE",
        [IMAGE, ints(0, 5, 1, -2), ints(1, 0, 2, 4), ints(1, -2, 1, 1)],
        "StridedSliceOptions",
        {"BeginMask": 1, "EndMask": 10, "ShrinkAxisMask": 4},
        [(1, 3, 2)],
    ),
    "gather": ("GATHER", [IMAGE, ints(3, 0, 0)], "GatherOptions", {"Axis": 1}, [(1, 3, 5, 4)]),
    "nearest": (
        "RESIZE_NEAREST_NEIGHBOR",
        [IMAGE, ints(9, 3)],
        "ResizeNearestNeighborOptions",
        {},
        [(1, 9, 3, 4)],
    ),
    "nearest_half": (
        "RESIZE_NEAREST_NEIGHBOR",
        [IMAGE, ints(9, 3)],
        "ResizeNearestNeighborOptions",
        {"HalfPixelCenters": True},
        [(1, 9, 3, 4)],
    ),
    "bilinear": (
        "RESIZE_BILINEAR",
        [IMAGE, ints(9, 3)],
        "ResizeBilinearOptions",
        {"HalfPixelCenters": True},
        [(1, 9, 3, 4)],
    ),
    "bilinear_corners": (
        "RESIZE_BILINEAR",
        [IMAGE, ints(9, 3)],
        "ResizeBilinearOptions",
        {"AlignCorners": True},
        [(1, 9, 3, 4)],
    ),
    "depth_to_space": ("DEPTH_TO_SPACE", [IMAGE], "DepthToSpaceOptions", {"BlockSize": 2}, [(1, 12, 10, 1)]),
    "space_to_depth": (
        "SPACE_TO_DEPTH",
        [(1, 6, 4, 3)],
        "SpaceToDepthOptions",
        {"BlockSize": 2},
        [(1, 3, 2, 12)],
    ),
    "matmul": ("BATCH_MATMUL", [(1, 2, 3, 4), (1, 2, 4, 5)], "BatchMatMulOptions", {}, [(1, 2, 3, 5)]),
    "matmul_adjoint": (
        "BATCH_MATMUL",
        [(1, 2, 3, 4), (1, 2, 5, 4)],
        "BatchMatMulOptions",
        {"AdjY": True},
        [(1, 2, 3, 5)],
    ),
    "arg_max": ("ARG_MAX", [(3, 7), ints(-1)], "ArgMaxOptions", {"OutputType": 2}, [(3,)]),
}


def build(case: Case) -> tuple[bytes, list[tuple[int, ...]]]:
    code, operands, kind, options, results = case
    tensors = []
    for x in operands:
        if isinstance(x, tuple):
            tensors.append(T(x))
        else:
            shape = () if x.size == 1 and code in ("SPLIT", "EXPAND_DIMS") else x.shape
            tensors.append(T(shape, "INT32" if x.dtype == np.int32 else "FLOAT32", x))
    n = len(tensors)
    outs = list(range(n, n + len(results)))
    tensors += [T(s, "INT32" if code == "ARG_MAX" else "FLOAT32") for s in results]
    runs = [k for k, x in enumerate(operands) if isinstance(x, tuple)]
    return write(tensors, [Op(code, range(n), outs, kind, options)], runs, outs), [operands[k] for k in runs]


def run_litert(raw: bytes, inputs: list[np.ndarray]) -> list[np.ndarray]:
    kind = litert.OpResolverType.BUILTIN_REF
    interpreter = litert.Interpreter(model_content=raw, experimental_op_resolver_type=kind)
    interpreter.allocate_tensors()
    for d, x in zip(interpreter.get_input_details(), inputs, strict=True):
        interpreter.set_tensor(d["index"], x)
    interpreter.invoke()
    return [interpreter.get_tensor(d["index"]) for d in interpreter.get_output_details()]


def run_ours(raw: bytes, inputs: list[np.ndarray], folder: Path) -> list[np.ndarray]:
    path = folder / "model.tflite"
    path.write_bytes(raw)
    graph = load_tflite(path)
    found = evaluate(graph, dict(zip(graph.inputs, inputs, strict=True)))
    return [found[v] for v in graph.outputs]


@pytest.mark.parametrize("name", CASES)
def test_float(tmp_path: Path, name: str) -> None:
    raw, shapes = build(CASES[name])
    inputs = [np.random.default_rng(k).normal(size=s).astype(np.float32) * 2 for k, s in enumerate(shapes)]
    for ours, theirs in zip(run_ours(raw, inputs, tmp_path), run_litert(raw, inputs), strict=True):
        assert ours.shape == theirs.shape
        assert np.allclose(ours, theirs, rtol=1e-4, atol=1e-5), np.abs(ours - theirs).max()


INTEGER: dict[str, tuple[float, int]] = {
    **dict.fromkeys(["conv_same", "conv_valid", "depthwise", "add", "add_row", "sub", "mul"], (0.08, 3)),
    **dict.fromkeys(["transpose_conv_same", "transpose_conv_valid", "mean", "mean_keep"], (0.09, -5)),
    **dict.fromkeys(["LOGISTIC", "softmax"], (1 / 256, -128)),
    "TANH": (1 / 128, 0),
    **dict.fromkeys(["RELU", "HARD_SWISH", "leaky_relu"], (0.05, -100)),
    **dict.fromkeys(
        ["average", "maximum_pool", "reduce_max", "maximum", "pad", "concat", "RELU6"], (0.06, 2)
    ),
    **dict.fromkeys(["minimum", "reflect", "transpose", "split", "strided_slice", "nearest"], (0.06, 2)),
    **dict.fromkeys(["gather", "depth_to_space", "pack", "unpack", "nearest_half"], (0.06, 2)),
}
"""The result's scale and zero point of the operators that have an exact integer form."""


def quantized(case: Case, scale: float, zero: int) -> tuple[bytes, list[tuple[int, ...]]]:
    """The case with int8 tensors (0.06, 2 for inputs), int8 weights and int32 biases."""
    code, operands, kind, options, results = case
    layer = code in ("CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV")
    tensors = []
    for k, x in enumerate(operands):
        if isinstance(x, tuple):
            tensors.append(T(x, "INT8", scale=[0.06], zero=[2]))
        elif x.dtype == np.int32:
            shape = () if x.size == 1 and code in ("SPLIT", "EXPAND_DIMS") else x.shape
            tensors.append(T(shape, "INT32", x))
        elif layer and x.ndim == 4:
            axis = 3 if code[0] == "D" else 0
            scales = RNG.uniform(0.01, 0.03, x.shape[axis]).astype(np.float32)
            q = np.clip(np.rint(x * 40), -127, 127)
            tensors.append(T(x.shape, "INT8", q, scales.tolist(), axis=axis))
        elif layer:
            tensors.append(T(x.shape, "INT32", np.rint(x * 400), tensors[k - 1].scale))
            tensors[-1].scale = [0.06 * s for s in tensors[k - 1].scale]
        else:
            tensors.append(T(x.shape, "INT8", np.rint(x * 20), [0.06], [2]))
    n = len(tensors)
    outs = list(range(n, n + len(results)))
    tensors += [T(s, "INT8", scale=[scale], zero=[zero]) for s in results]
    runs = [k for k, x in enumerate(operands) if isinstance(x, tuple)]
    return write(tensors, [Op(code, range(n), outs, kind, options)], runs, outs), [operands[k] for k in runs]


@pytest.mark.parametrize("name", INTEGER)
def test_integer(tmp_path: Path, name: str) -> None:
    raw, shapes = quantized(CASES[name], *INTEGER[name])
    inputs = [np.random.default_rng(k).integers(-128, 128, s).astype(np.int8) for k, s in enumerate(shapes)]
    for ours, theirs in zip(run_ours(raw, inputs, tmp_path), run_litert(raw, inputs), strict=True):
        assert ours.dtype == theirs.dtype
        assert np.array_equal(ours, theirs), np.abs(ours.astype(int) - theirs).max()
