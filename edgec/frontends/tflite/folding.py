"""Operators of constants only: shape arithmetic and stored weights, computed at import."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edgec.frontends.tflite.builder import Layer, dequantized
from edgec.frontends.tflite.read import LARGEST, Damaged
from edgec.frontends.tflite.shapes import resolve_shape, strided

_PLAIN = {"ADD": np.add, "SUB": np.subtract, "MUL": np.multiply, "MAXIMUM": np.maximum, "MINIMUM": np.minimum}


def fold(layer: Layer) -> bool:
    """Compute an operator whose operands are known; whether it could be."""
    if layer.op.code not in _FOLDERS or len(layer.results) != 1:
        return False
    if layer.op.code != "SHAPE" and not all(layer.is_known(k) for k in range(len(layer.tensors))):
        return False
    t = layer.results[0]
    result = _FOLDERS[layer.op.code](layer)
    if result is None:
        return False
    layer.state.known[t.index] = result
    return True


def _inputs(layer: Layer) -> list[np.ndarray]:
    return [layer.data(k, "an operand") for k in range(len(layer.tensors))]


def _arithmetic(layer: Layer) -> np.ndarray | None:
    """Of plain integers: shapes. Anything else is the business of the graph's own folding."""
    xs = _inputs(layer)
    if any(x.dtype.kind != "i" or x.dtype.itemsize < 4 or x.size > 64 for x in xs) or len(xs) != 2:
        return None
    return np.asarray(_PLAIN[layer.op.code](*xs))


def _strided_slice(layer: Layer) -> np.ndarray:
    parts, gone = strided(layer), layer.option("ShrinkAxisMask")
    x = _inputs(layer)[0][np.ix_(*parts)]
    return x.reshape([n for k, n in enumerate(x.shape) if not gone >> k & 1])


def _gather(layer: Layer) -> np.ndarray | None:
    x, index = _inputs(layer)[:2]
    if layer.option("BatchDims"):
        return None
    return np.take(x, index, axis=layer.option("Axis"))


def _cast(layer: Layer) -> np.ndarray | None:
    kinds = {"INT32": np.int32, "INT64": np.int64, "FLOAT32": np.float32}
    kind = kinds.get(layer.results[0].dtype)
    return None if kind is None else _inputs(layer)[0].astype(kind)


def _fill(layer: Layer) -> np.ndarray:
    shape = layer.numbers(0, "a shape")
    if min(shape, default=0) < 0 or np.prod(shape, dtype=float) > LARGEST // 64:
        raise Damaged(f"{layer.path}: a constant of {shape}")
    return np.full(shape, _inputs(layer)[1].ravel()[0])


def _dequantize(layer: Layer) -> np.ndarray:
    return dequantized(_inputs(layer)[0], layer.tensor(0).quant)


def _concatenation(layer: Layer) -> np.ndarray:
    return np.concatenate(_inputs(layer), axis=layer.option("Axis"))


_FOLDERS: dict[str, Callable[[Layer], np.ndarray | None]] = {
    **dict.fromkeys(_PLAIN, _arithmetic),
    "SHAPE": lambda layer: np.array(layer.shape(0), np.int32),
    "RESHAPE": lambda layer: _inputs(layer)[0].reshape(resolve_shape(layer)),
    "SQUEEZE": lambda layer: _inputs(layer)[0].reshape(resolve_shape(layer)),
    "EXPAND_DIMS": lambda layer: _inputs(layer)[0].reshape(resolve_shape(layer)),
    "TRANSPOSE": lambda layer: _inputs(layer)[0].transpose(layer.numbers(1, "a permutation")),
    "PACK": lambda layer: np.stack(_inputs(layer), axis=layer.option("Axis")),
    "CONCATENATION": _concatenation,
    "STRIDED_SLICE": _strided_slice,
    "GATHER": _gather,
    "CAST": _cast,
    "FILL": _fill,
    "DEQUANTIZE": _dequantize,
    "REDUCE_PROD": lambda layer: np.prod(_inputs(layer)[0], axis=layer.numbers(1, "axes")),
}
