"""Writes small .tflite files, for tests: tensors, operators and options by their schema names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import flatbuffers
import numpy as np
import tflite

NUMPY = {
    "FLOAT32": "f4",
    "FLOAT16": "f2",
    "INT8": "i1",
    "UINT8": "u1",
    "INT16": "i2",
    "INT32": "i4",
    "INT64": "i8",
}


@dataclass
class T:
    """A tensor; `data` makes it a constant, `scale` quantized (one scale, or one per index of `axis`)."""

    shape: Sequence[int]
    dtype: str = "FLOAT32"
    data: np.ndarray | None = None
    scale: Sequence[float] = ()
    zero: Sequence[int] = ()
    axis: int = 0
    signature: Sequence[int] = ()
    name: str = ""


@dataclass
class Op:
    """An operator: schema name (or that of a custom one), tensors by index, options by field name."""

    code: str
    inputs: Sequence[int]
    outputs: Sequence[int]
    kind: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)


def write(tensors: Sequence[T], ops: Sequence[Op], inputs: Sequence[int], outputs: Sequence[int]) -> bytes:
    """The file's bytes."""
    b = flatbuffers.Builder(4096)
    buffers = [_table(b, "Buffer")]
    written = []
    for k, t in enumerate(tensors):
        number = 0
        if t.data is not None:
            raw = np.ascontiguousarray(t.data.astype(NUMPY[t.dtype]))
            number = len(buffers)
            buffers.append(_table(b, "Buffer", Data=b.CreateNumpyVector(raw.view(np.uint8).ravel())))
        quant = {}
        if len(t.scale):
            scale = b.CreateNumpyVector(np.array(t.scale, np.float32))
            zero = b.CreateNumpyVector(np.array(t.zero or [0] * len(t.scale), np.int64))
            q = _table(b, "QuantizationParameters", Scale=scale, ZeroPoint=zero, QuantizedDimension=t.axis)
            quant = {"Quantization": q}
        shape = b.CreateNumpyVector(np.array(t.shape, np.int32))
        if len(t.signature):
            quant["ShapeSignature"] = b.CreateNumpyVector(np.array(t.signature, np.int32))
        name = b.CreateString(t.name or f"t{k}")
        dtype = getattr(tflite.TensorType, t.dtype)
        written.append(_table(b, "Tensor", Shape=shape, Type=dtype, Buffer=number, Name=name, **quant))
    codes = list(dict.fromkeys(op.code for op in ops))
    operators = []
    for op in ops:
        options = {}
        if op.kind:
            table = _table(b, op.kind, **op.options)
            kind = getattr(tflite.BuiltinOptions, op.kind)
            options = {"BuiltinOptions": table, "BuiltinOptionsType": kind}
        ins, outs = (b.CreateNumpyVector(np.array(v, np.int32)) for v in (op.inputs, op.outputs))
        operators.append(
            _table(b, "Operator", OpcodeIndex=codes.index(op.code), Inputs=ins, Outputs=outs, **options)
        )
    graph = _table(
        b,
        "SubGraph",
        Tensors=_vector(b, written),
        Inputs=b.CreateNumpyVector(np.array(inputs, np.int32)),
        Outputs=b.CreateNumpyVector(np.array(outputs, np.int32)),
        Operators=_vector(b, operators),
    )
    root = _table(
        b,
        "Model",
        Version=3,
        OperatorCodes=_vector(b, [_code(b, c) for c in codes]),
        Subgraphs=_vector(b, [graph]),
        Buffers=_vector(b, buffers),
    )
    b.Finish(root, b"TFL3")
    return bytes(b.Output())


def _code(b: flatbuffers.Builder, code: str) -> int:
    number = getattr(tflite.BuiltinOperator, code, None)
    if number is None:
        custom = b.CreateString(code)
        return _table(
            b, "OperatorCode", BuiltinCode=32, DeprecatedBuiltinCode=32, CustomCode=custom, Version=1
        )
    return _table(b, "OperatorCode", BuiltinCode=number, DeprecatedBuiltinCode=min(number, 127), Version=1)


def _vector(b: flatbuffers.Builder, tables: Sequence[int]) -> int:
    b.StartVector(4, len(tables), 4)
    for t in reversed(tables):
        b.PrependUOffsetTRelative(t)
    return int(b.EndVector())


def _table(b: flatbuffers.Builder, name: str, **fields: Any) -> int:
    fields = {
        k: b.CreateNumpyVector(np.array(v, np.int32)) if isinstance(v, list) else v for k, v in fields.items()
    }
    getattr(tflite, f"{name}Start")(b)
    for key, value in fields.items():
        getattr(tflite, f"{name}Add{key}")(b, value)
    return int(getattr(tflite, f"{name}End")(b))
