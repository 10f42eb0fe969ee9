"""Reading a .tflite file into plain records, every number in it checked."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from edgec.diagnostics import Diagnostic
from edgec.ir import Quant

LARGEST = 2**31 - 1
"""Elements a tensor may have."""

_NUMPY = {
    "FLOAT32": "float32",
    "FLOAT16": "float16",
    "FLOAT64": "float64",
    "INT8": "int8",
    "UINT8": "uint8",
    "INT16": "int16",
    "UINT16": "uint16",
    "INT32": "int32",
    "UINT32": "uint32",
    "INT64": "int64",
    "BOOL": "bool",
}

_WILD = (ArithmeticError, AttributeError, LookupError, MemoryError, TypeError, ValueError, struct.error)
"""What flatbuffers throws at offsets that lead nowhere."""


@dataclass(frozen=True)
class Tensor:
    """A tensor of the file. `dtype` is the schema's name; `data` is set for a constant."""

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    quant: Quant | None
    data: np.ndarray | None
    signature: tuple[int, ...]
    """The shape with -1 for what is unknown until run time, or empty."""
    plain: bool
    """Neither sparse nor a resource."""


@dataclass(frozen=True)
class Operator:
    """An operator: `code` is the schema's name (of a custom one, its own); tensors by index, -1 for none."""

    index: int
    code: str
    custom: bool
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Mapping[str, Any]
    """The scalar options by their schema names (StrideH, FusedActivationFunction...)."""


@dataclass(frozen=True)
class Model:
    """The main subgraph of a file."""

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


class Damaged(Exception):
    """The file contradicts itself; the message says where."""


def read(path: Path) -> Model:
    """Read a file. Raises Diagnostic E205 where it cannot be opened, E201 where it is damaged."""
    try:
        raw = path.read_bytes()
    except OSError as e:
        raise Diagnostic("E205", "cannot read the model", where=str(path), facts=[("error", str(e))]) from e
    try:
        return _Reader(raw).model()
    except Damaged as e:
        raise damaged(path, str(e)) from e
    except _WILD as e:
        raise damaged(path, "an offset or a length in it leads nowhere") from e


def damaged(path: Path, why: str) -> Diagnostic:
    """E201 for a file that contradicts itself."""
    return Diagnostic(
        "E201",
        "damaged or no TFLite model",
        where=str(path),
        facts=[("found", why)],
        remedies=["fetch or convert the model again"],
    )


class _Reader:
    def __init__(self, raw: bytes) -> None:
        self.raw = raw

    def model(self) -> Model:
        """The main subgraph."""
        import tflite

        if not self.raw:
            raise Damaged("the file is empty")
        if len(self.raw) < 8 or self.raw[4:8] != b"TFL3":
            raise Damaged("no TFLite file: the mark TFL3 is missing")
        root = tflite.Model.GetRootAs(self.raw, 0)
        if root.Version() != 3:
            raise Damaged(f"schema version {root.Version()}, not 3")
        if self._count(root.SubgraphsLength()) < 1:
            raise Damaged("it has no subgraph")
        graph = root.Subgraphs(0)
        buffers = self._count(root.BuffersLength())
        codes = [_code(root.OperatorCodes(k)) for k in range(self._count(root.OperatorCodesLength()))]
        n = self._count(graph.TensorsLength())
        made = set(self._indices(graph, "Inputs"))
        raw_operators = [graph.Operators(k) for k in range(self._count(graph.OperatorsLength()))]
        for op in raw_operators:
            made.update(self._indices(op, "Outputs"))
        tensors = tuple(self._tensor(root, graph.Tensors(k), k, k in made, buffers) for k in range(n))
        operators = tuple(self._operator(op, k, codes) for k, op in enumerate(raw_operators))
        model = Model(tensors, operators, self._indices(graph, "Inputs"), self._indices(graph, "Outputs"))
        _check(model)
        return model

    def _count(self, n: int) -> int:
        """The length of a vector whose elements take four bytes at least."""
        if not 0 <= n <= len(self.raw) // 4:
            raise Damaged(f"a vector of {n} elements in a file of {len(self.raw)} bytes")
        return n

    def _numbers(self, table: Any, name: str) -> np.ndarray:
        if self._count(getattr(table, f"{name}Length")()) == 0:
            return np.zeros(0)
        return np.asarray(getattr(table, f"{name}AsNumpy")())

    def _indices(self, table: Any, name: str) -> tuple[int, ...]:
        return tuple(int(i) for i in self._numbers(table, name))

    def _operator(self, op: Any, index: int, codes: list[tuple[str, bool]]) -> Operator:
        if not 0 <= op.OpcodeIndex() < len(codes):
            raise Damaged(f"operator {index} has the unknown code {op.OpcodeIndex()}")
        code, custom = codes[op.OpcodeIndex()]
        ins, outs = self._indices(op, "Inputs"), self._indices(op, "Outputs")
        return Operator(index, code, custom, ins, outs, _options(op))

    def _tensor(self, root: Any, t: Any, index: int, computed: bool, buffers: int) -> Tensor:
        name = _text(t.Name()) or f"tensor {index}"
        shape = self._indices(t, "Shape")
        signature = self._indices(t, "ShapeSignature")
        known = all(n >= 0 for n in shape)
        if known and math.prod(shape) > LARGEST:
            raise Damaged(f"tensor {name} has the shape {shape}")
        dtype = _names("TensorType").get(t.Type(), f"type {t.Type()}")
        if not 0 <= t.Buffer() < max(buffers, 1):
            raise Damaged(f"tensor {name} is in buffer {t.Buffer()} of {buffers}")
        plain = t.Sparsity() is None and not t.IsVariable() and dtype in _NUMPY
        data = None
        if not computed and known and plain:
            content = self._content(root.Buffers(t.Buffer()), name)
            data = _array(content, shape, dtype, name)
        return Tensor(index, name, shape, dtype, self._quant(t, shape, name), data, signature, plain)

    def _content(self, buffer: Any, name: str) -> bytes:
        if buffer.Offset() > 1:  # beyond the flatbuffer, for large models
            start, size = buffer.Offset(), buffer.Size()
            if start + size > len(self.raw):
                raise Damaged(f"tensor {name} lies beyond the end of the file")
            return self.raw[start : start + size]
        return b"" if buffer.DataLength() == 0 else buffer.DataAsNumpy().tobytes()

    def _quant(self, t: Any, shape: tuple[int, ...], name: str) -> Quant | None:
        q = t.Quantization()
        if q is None or q.ScaleLength() == 0:
            return None
        scales, zeros = self._numbers(q, "Scale"), self._numbers(q, "ZeroPoint")
        n = len(scales)
        if len(zeros) == 0:
            zeros = np.zeros(n, np.int64)
        if len(zeros) != n or not all(math.isfinite(s) and s > 0 for s in scales):
            raise Damaged(f"quantization of tensor {name}: {n} scales, {len(zeros)} zero points")
        kind = np.dtype(_NUMPY.get(_names("TensorType").get(t.Type(), ""), "int32"))
        info = np.iinfo(kind if kind.kind in "iu" else np.int32)
        if any(not info.min <= z <= info.max for z in zeros):
            raise Damaged(f"quantization of tensor {name}: zero point out of range")
        axis = q.QuantizedDimension() if n > 1 else None
        if axis is not None and not (0 <= axis < len(shape) and shape[axis] == n):
            raise Damaged(f"quantization of tensor {name}: {n} scales along axis {axis} of {shape}")
        return Quant(tuple(float(s) for s in scales), tuple(int(z) for z in zeros), axis)


def _code(code: Any) -> tuple[str, bool]:
    number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
    if number == 32:  # CUSTOM
        return _text(code.CustomCode()) or "CUSTOM", True
    return _names("BuiltinOperator").get(number, f"operator {number}"), False


def _text(raw: bytes | None) -> str:
    return (raw or b"").decode(errors="replace")


@cache
def _names(enum: str) -> dict[int, str]:
    import tflite

    return {v: k for k, v in vars(getattr(tflite, enum)).items() if isinstance(v, int)}


def _options(op: Any) -> dict[str, Any]:
    """The scalars of an operator's option table."""
    import tflite

    kind = _names("BuiltinOptions").get(op.BuiltinOptionsType(), "")
    cls, table = getattr(tflite, kind, None), op.BuiltinOptions()
    if cls is None or table is None:
        return {}
    options = cls()
    options.Init(table.Bytes, table.Pos)
    return {name: getattr(options, name)() for name in _scalars(cls)}


def _scalars(cls: type) -> Iterator[str]:
    for name, member in vars(cls).items():
        vector = any(hasattr(cls, f"{name}{suffix}") for suffix in ("Length", "AsNumpy"))
        derived = name.endswith(("Length", "AsNumpy", "IsNone"))
        if name[0].isupper() and callable(member) and name != "Init" and not vector and not derived:
            yield name


def _array(content: bytes, shape: tuple[int, ...], dtype: str, name: str) -> np.ndarray:
    kind = np.dtype(_NUMPY[dtype])
    if len(content) != math.prod(shape) * kind.itemsize:
        raise Damaged(f"tensor {name} of {dtype} {shape} has {len(content)} bytes")
    if kind == np.bool_:
        return np.frombuffer(content, np.uint8).reshape(shape) != 0
    return np.frombuffer(content, kind).reshape(shape)


def _check(model: Model) -> None:
    """Every index exists, every tensor has one source, every operand is there before it is used."""
    known = {t.index for t in model.tensors if t.data is not None or not t.plain}
    n = len(model.tensors)
    for i in model.inputs:
        if not 0 <= i < n or i in known:
            raise Damaged(f"the graph input {i} is no tensor or given twice")
        known.add(i)
    for op in model.operators:
        for i in op.inputs:
            if i != -1 and i not in known:
                raise Damaged(f"operator {op.index} ({op.code}) reads tensor {i} before it is computed")
        for i in op.outputs:
            if not 0 <= i < n or i in known:
                raise Damaged(f"operator {op.index} ({op.code}) writes tensor {i}, which is no result")
            known.add(i)
    if not model.outputs or not model.inputs:
        raise Damaged("the graph has no inputs or no outputs")
    for i in model.outputs:
        if i not in known:
            raise Damaged(f"the graph output {i} is no tensor")
