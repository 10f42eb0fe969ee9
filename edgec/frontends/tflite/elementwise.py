"""Converters of arithmetic, functions of one variable, reductions and number formats."""

from __future__ import annotations

import numpy as np

from edgec.frontends.tflite.builder import Layer, Unsupported, converts
from edgec.frontends.tflite.read import Damaged
from edgec.ir import Attr, DType
from edgec.ops.base import Call, OpError, registry

_FUNCTIONS = {
    "RELU": "relu",
    "RELU6": "relu6",
    "RELU_0_TO_1": "clip",
    "RELU_N1_TO_1": "clip",
    "LOGISTIC": "sigmoid",
    "TANH": "tanh",
    "HARD_SWISH": "hard_swish",
    "LEAKY_RELU": "leaky_relu",
    "GELU": "gelu",
    "ELU": "elu",
    "EXP": "exp",
    "LOG": "log",
    "SQRT": "sqrt",
    "RSQRT": "rsqrt",
    "SQUARE": "square",
    "ABS": "abs",
    "NEG": "neg",
    "SIN": "sin",
    "COS": "cos",
    "SIGN": "sign",
    "ROUND": "round",
    "FLOOR": "floor",
    "CEIL": "ceil",
}
_EXACT = {
    "RELU": "tflm_relu",
    "RELU6": "tflm_relu6",
    "LOGISTIC": "tflm_logistic",
    "TANH": "tflm_tanh",
    "HARD_SWISH": "tflm_hard_swish",
    "LEAKY_RELU": "tflm_leaky_relu",
}
"""Where TensorFlow Lite Micro's integer kernel has a table of its own."""


@converts(*_FUNCTIONS)
def function(layer: Layer) -> str:
    """Functions of one variable."""
    code = layer.op.code
    fn = _FUNCTIONS[code] if layer.is_float else _EXACT.get(code, _FUNCTIONS[code])
    attrs: dict[str, Attr] = {"fn": fn}
    if code == "RELU_0_TO_1":
        attrs |= {"lo": 0.0, "hi": 1.0}
    if code == "RELU_N1_TO_1":
        attrs |= {"lo": -1.0, "hi": 1.0}
    if code == "LEAKY_RELU":
        attrs["alpha"] = _finite(layer, layer.option("Alpha", 0.0))
    if code == "GELU" and layer.option("Approximate", False):
        attrs["fn"] = "gelu_tanh"
    return layer.result("pointwise", [layer.value(0)], attrs)


def _finite(layer: Layer, value: float) -> float:
    if not np.isfinite(value):
        raise Damaged(f"{layer.path}: the parameter {value}")
    return float(value)


@converts("ADD", "SUB", "MUL")
def arithmetic(layer: Layer) -> str:
    """ADD, SUB and MUL with broadcasting."""
    return _binary(layer, layer.op.code.lower(), [layer.value(0), layer.value(1)], layer.activation())


@converts("MAXIMUM", "MINIMUM")
def larger(layer: Layer) -> str:
    """MAXIMUM and MINIMUM with broadcasting."""
    return _binary(layer, layer.op.code.lower(), [layer.value(0), layer.value(1)], None)


@converts("DIV")
def div(layer: Layer) -> str:
    """DIV of floats: a product with the reciprocal."""
    if not layer.is_float:
        raise Unsupported("an integer quotient")
    if layer.is_known(1):
        divisor = layer.data(1, "divisor").astype(np.float32)
        inverse = layer.graph.add_constant(f"{layer.tensor(1).name}/reciprocal", 1 / _nonzero(layer, divisor))
    else:
        inverse = layer.emit("pointwise", [layer.value(1)], {"fn": "reciprocal"})
    return _binary(layer, "mul", [layer.value(0), inverse], layer.activation())


@converts("SQUARED_DIFFERENCE")
def squared_difference(layer: Layer) -> str:
    """SQUARED_DIFFERENCE of floats."""
    if not layer.is_float:
        raise Unsupported("of integers")
    d = _binary(layer, "sub", [layer.value(0), layer.value(1)], "")
    return layer.emit("mul", [d, d])


def _nonzero(layer: Layer, x: np.ndarray) -> np.ndarray:
    if not np.all(x):
        raise Unsupported("a division by zero")
    return x


def _binary(layer: Layer, op: str, operands: list[str], activation: str | None) -> str:
    """The op of two operands; where it has no loops for the broadcast, the operands are repeated."""
    types = [layer.type(v) for v in operands]
    if any(t.dtype not in (DType.F32, DType.I8) for t in types):
        raise Unsupported(f"{types[0].dtype} values")
    attrs: dict[str, Attr] = {} if activation is None else {"activation": activation}
    data = tuple(layer.graph.data(v) for v in operands)
    try:
        registry()[op].infer(Call(op, "", attrs, tuple(types), (), data))
    except OpError:
        try:
            full = np.broadcast_shapes(*(t.shape for t in types))
        except ValueError:
            raise Damaged(f"{layer.path}: shapes {types[0].shape} and {types[1].shape}") from None
        if np.prod(full, dtype=float) > 2**31:
            raise Damaged(f"{layer.path}: a result of {full}") from None
        operands = [
            v if t.shape == full else layer.emit("expand", [v], {"shape": tuple(full)})
            for v, t in zip(operands, types, strict=True)
        ]
    return layer.result(op, operands, attrs)


@converts("PRELU")
def prelu(layer: Layer) -> str:
    """PRELU with one slope per channel."""
    alpha = layer.data(1, "slopes")
    channels = layer.shape(0)[-1]
    if alpha.size not in (1, channels):
        raise Unsupported(f"slopes of {alpha.shape}")
    if alpha.size == channels:
        return layer.result("prelu", [layer.value(0), layer.value(1, (channels,))])
    if not layer.is_float:
        raise Unsupported("one slope for all channels, of integers")
    attrs: dict[str, Attr] = {"fn": "leaky_relu", "alpha": float(alpha.ravel()[0])}
    return layer.result("pointwise", [layer.value(0)], attrs)


@converts("SOFTMAX")
def softmax(layer: Layer) -> str:
    """SOFTMAX over the last axis."""
    q = layer.results[0].quant
    if not layer.is_float and (q is None or (q.s, q.z) != (1 / 256, -128)):
        raise Unsupported("a result that has not scale 1/256 and zero point -128")
    return layer.result("softmax", [layer.value(0)], {"beta": _finite(layer, layer.option("Beta", 1.0))})


@converts("LOG_SOFTMAX")
def log_softmax(layer: Layer) -> str:
    """LOG_SOFTMAX of floats."""
    if not layer.is_float:
        raise Unsupported("of integers")
    y = layer.emit("softmax", [layer.value(0)])
    return layer.emit("pointwise", [y], {"fn": "log"})


def _axes(layer: Layer, k: int = 1) -> tuple[int, ...]:
    rank = len(layer.shape(0))
    axes = [a + rank if a < 0 else a for a in layer.numbers(k, "axes")]
    if not all(0 <= a < rank for a in axes):
        raise Damaged(f"{layer.path}: axes {axes} of {layer.shape(0)}")
    return tuple(sorted(set(axes)))


@converts("MEAN", "SUM", "REDUCE_MAX")
def reduce(layer: Layer) -> str:
    """MEAN, SUM, REDUCE_MAX over constant axes."""
    keep = bool(layer.option("KeepDims", False))
    return layer.result(layer.op.code.lower(), [layer.value(0)], {"axes": _axes(layer), "keepdims": keep})


@converts("ARG_MAX")
def arg_max(layer: Layer) -> str:
    """ARG_MAX over a constant axis; the result is int32."""
    axes = _axes(layer)
    if len(axes) != 1:
        raise Damaged(f"{layer.path}: {len(axes)} axes")
    return layer.emit("argmax", [layer.value(0)], {"axis": axes[0], "keepdims": False})


@converts("BATCH_MATMUL")
def batch_matmul(layer: Layer) -> str:
    """BATCH_MATMUL; adjoints are transposes."""
    operands = []
    for k, name in enumerate(("AdjX", "AdjY")):
        value, rank = layer.value(k), len(layer.shape(k))
        if rank < 2:
            raise Damaged(f"{layer.path}: an operand of {layer.shape(k)}")
        if layer.option(name, False):
            value = layer.emit("transpose", [value], {"perm": (*range(rank - 2), rank - 1, rank - 2)})
        operands.append(value)
    return layer.result("matmul", operands)


@converts("QUANTIZE")
def quantize(layer: Layer) -> str:
    """QUANTIZE: float to int8, or int8 to int8 in another quantization."""
    to, x = layer.results[0], layer.tensor(0)
    if to.dtype == "UINT8" and x.dtype == "INT8" and to.index in layer.state.model.outputs:
        return layer.value(0)  # the graph ends with the int8 values; uint8 is 128 more
    if to.dtype != "INT8" or x.dtype not in ("FLOAT32", "INT8"):
        raise Unsupported(f"{x.dtype} to {to.dtype}")
    return layer.result("requantize" if x.dtype == "INT8" else "quantize", [layer.value(0)])


@converts("DEQUANTIZE")
def dequantize(layer: Layer) -> str:
    """DEQUANTIZE: the graph ends before it, where it is last."""
    t = layer.results[0]
    if t.dtype != "FLOAT32" or layer.tensor(0).dtype != "INT8":
        raise Unsupported(f"{layer.tensor(0).dtype} to {t.dtype}")
    if t.index in layer.state.model.outputs and not layer.state.uses.get(t.index):
        return layer.value(0)
    return layer.emit("dequantize", [layer.value(0)])


@converts("CAST")
def cast(layer: Layer) -> str:
    """CAST to the same type."""
    x, y = layer.tensor(0).dtype, layer.results[0].dtype
    if x != y and not {x, y} <= {"INT32", "INT64"}:
        raise Unsupported(f"{x} to {y}")
    return layer.value(0)
