"""QuantizeLinear and DequantizeLinear: the file's own number formats."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgec.frontends.onnx.builder import (
    Act,
    Attrs,
    Const,
    NumpyBuilder,
    Operand,
    QuantConst,
    Unsupported,
    constant,
    converts,
)
from edgec.ir import DType, Quant

_TYPES = {"int8": DType.I8, "uint8": DType.I8, "int16": DType.I16, "int32": DType.I32}
_ONNX_INT8, _ONNX_INT16 = 3, 5


@converts("QuantizeLinear")
def _quantize(b: NumpyBuilder, a: Attrs, x: Act, scale: Any, zero: Any = None) -> Any:
    dtype, quant = _format(a, scale, zero, "uint8")
    if quant.axis is not None:
        raise Unsupported("activations with a scale per channel")
    if dtype == DType.I16 and quant.z:
        raise Unsupported("int16 with a zero point")
    return b.in_format("quantize", x, dtype, quant)


@converts("DequantizeLinear")
def _dequantize(b: NumpyBuilder, a: Attrs, x: Operand, scale: Any, zero: Any = None) -> Any:
    if isinstance(x, Const):
        return _weights(a, x, scale, zero)
    if x.dtype == DType.F32:  # a graph input of integers
        dtype, quant = _format(a, scale, zero, "uint8")
        x = b.in_format("quantize", x, dtype, quant)
    return b.in_format("dequantize", x, DType.F32, None)


def _weights(a: Attrs, x: Const, scale: Any, zero: Any) -> Const:
    """The real numbers, with the parameters they came from where int8 holds them."""
    data, s = np.asarray(x.data), constant(scale, "a scale").astype(np.float64)
    z = np.zeros(s.shape) if zero is None else constant(zero, "a zero point").astype(np.float64)
    if a.get("block_size", 0):
        raise Unsupported("a scale per block")
    axis = int(a.get("axis", 1)) % max(data.ndim, 1) if s.size > 1 else None
    if axis is not None:
        s, z = (p.reshape([-1 if k == axis else 1 for k in range(data.ndim)]) for p in (s, z))
    real = ((data.astype(np.float64) - z) * s).astype(np.float32)
    if data.dtype != np.int8 or z.any():
        return Const(real, x.origin)
    quant = Quant(tuple(s.ravel().tolist()), (0,) * s.size, axis)
    return QuantConst(real, x.origin, quant)


def _format(a: Attrs, scale: Any, zero: Any, default: str) -> tuple[DType, Quant]:
    s = constant(scale, "a scale").astype(np.float64).ravel()
    z = np.zeros(1, default) if zero is None else constant(zero, "a zero point").ravel()
    if zero is None and a.get("output_dtype") in (_ONNX_INT8, _ONNX_INT16):
        z = z.astype("int8" if a["output_dtype"] == _ONNX_INT8 else "int16")
    if s.size != 1 and len(np.unique(s)) > 1:
        return DType.I8, Quant(tuple(s.tolist()), (0,) * s.size, int(a.get("axis", 1)))
    if z.dtype.name not in _TYPES or not s[0] > 0:
        raise Unsupported(f"quantization to {z.dtype.name} with scale {s[0]:g}")
    shift = 128 if z.dtype == np.uint8 else 0  # uint8 is held as int8, moved by 128
    return _TYPES[z.dtype.name], Quant.of(float(s[0]), int(z[0]) - shift)
