"""What the converters of TFLite operators work with: one operator, its operands, the growing graph."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from edgec.diagnostics import Diagnostic
from edgec.frontends.tflite.read import LARGEST, Damaged, Model, Operator, Tensor
from edgec.ir import Attr, DType, Graph, Node, Quant, TensorType
from edgec.ops.base import Call, OpError, call_of, op_of, registry
from edgec.ops.kernel import Kernel

DTYPES = {"FLOAT32": DType.F32, "INT8": DType.I8, "INT16": DType.I16, "INT32": DType.I32, "BOOL": DType.BOOL}
ACTIVATIONS = {0: "", 1: "relu", 2: "relu_n1_to_1", 3: "relu6"}


class Unsupported(Exception):
    """This operator cannot be compiled; the message says why, or is empty."""


Converter = Callable[["Layer"], "str | Sequence[str] | None"]
CONVERTERS: dict[str, Converter] = {}
"""By operator name. A converter returns the value names of the results."""


def converts(*names: str) -> Callable[[Converter], Converter]:
    """Register a converter for operators."""

    def register(converter: Converter) -> Converter:
        for name in names:
            CONVERTERS[name] = converter
        return converter

    return register


class State:
    """The graph so far: the value of every tensor computed, the data of every tensor known."""

    def __init__(self, model: Model, graph: Graph) -> None:
        self.model, self.graph = model, graph
        self.values: dict[int, str] = {}
        self.known = {t.index: t.data for t in model.tensors if t.data is not None}
        self.uses: dict[int, int] = {}
        for op in model.operators:
            for i in op.inputs:
                self.uses[i] = self.uses.get(i, 0) + 1
        self._constants: dict[tuple[int, bool, tuple[int, ...] | None], str] = {}

    def constant(self, t: Tensor, as_float: bool, shape: tuple[int, ...] | None) -> str:
        """The graph's constant for a known tensor, dequantized where `as_float`; made once.

        Raises Diagnostic E204 where it is not finite.
        """
        key = (t.index, as_float, shape)
        if key not in self._constants:
            data, quant = self.known[t.index], t.quant
            if data.dtype.kind == "f":
                data, quant = data.astype(np.float32), None
            elif as_float:
                data, quant = dequantized(data, quant), None
            elif t.dtype == "INT64" and np.abs(data).max(initial=0) <= LARGEST:
                data = data.astype(np.int32)
            if data.dtype.kind == "f" and not np.isfinite(data).all():
                raise Diagnostic(
                    "E204",
                    "NaN or infinite weights",
                    where=t.name,
                    remedies=["the training diverged, or the file is damaged: train or convert again"],
                )
            if shape is not None and shape != data.shape:
                quant = None if quant is None else _reshaped(quant, data.shape, shape)
                data = data.reshape(shape)
            self._constants[key] = self.graph.add_constant(t.name, np.ascontiguousarray(data), quant)
        return self._constants[key]


class Layer:
    """One operator of the file, as a converter sees it. Operands are counted from 0."""

    def __init__(self, state: State, op: Operator) -> None:
        self.state, self.op, self.graph = state, op, state.graph
        tensors = state.model.tensors
        self.tensors = [tensors[i] if i >= 0 else None for i in op.inputs]
        self.results = [tensors[i] for i in op.outputs]
        if not self.results:
            raise Damaged(f"operator {op.index} ({op.code}) has no result")
        self.path = self.results[0].name

    # -- operands -----------------------------------------------------------

    def has(self, k: int) -> bool:
        """Whether operand k is given."""
        return k < len(self.tensors) and self.tensors[k] is not None

    def tensor(self, k: int) -> Tensor:
        """The record of operand k; raises Damaged where it is missing."""
        t = self.tensors[k] if k < len(self.tensors) else None
        if t is None:
            raise Damaged(f"operator {self.op.index} ({self.op.code}) lacks operand {k}")
        return t

    def is_known(self, k: int) -> bool:
        """Whether operand k is a constant."""
        return self.tensor(k).index in self.state.known

    def data(self, k: int, what: str) -> np.ndarray:
        """The data of a constant operand; raises Unsupported where it is computed at run time."""
        t = self.tensor(k)
        if t.index not in self.state.known:
            raise Unsupported(f"{what} computed at run time")
        return self.state.known[t.index]

    def numbers(self, k: int, what: str) -> tuple[int, ...]:
        """A constant operand of integers."""
        data = self.data(k, what)
        if data.dtype.kind not in "iu":
            raise Damaged(f"{self.path}: {what} is no integer")
        return tuple(int(v) for v in data.ravel())

    def value(self, k: int, shape: tuple[int, ...] | None = None) -> str:
        """The graph value of operand k; a constant is float where the result is, and may be reshaped."""
        t = self.tensor(k)
        if t.index in self.state.known:
            return self.state.constant(t, self.is_float, shape)
        value = self.state.values[t.index]
        return value if shape is None else self.reshape(value, shape)

    def shape(self, k: int) -> tuple[int, ...]:
        """The shape of operand k."""
        t = self.tensor(k)
        return self.state.known[t.index].shape if self.is_known(k) else self.type(self.value(k)).shape

    def type(self, value: str) -> TensorType:
        """The type of a graph value."""
        return self.graph.type(value)

    # -- options and results --------------------------------------------------

    def option(self, name: str, default: Any = 0) -> Any:
        """A scalar of the operator's options."""
        return self.op.options.get(name, default)

    def activation(self) -> str:
        """The fused activation; raises Unsupported for one that cannot be fused."""
        code = self.option("FusedActivationFunction")
        if code not in ACTIVATIONS:
            raise Unsupported("fused tanh or sign")
        return ACTIVATIONS[code]

    @property
    def is_float(self) -> bool:
        """Whether the result is float32."""
        return self.results[0].dtype == "FLOAT32"

    @property
    def out(self) -> tuple[int, ...]:
        """The shape that the file gives the first result."""
        return self.results[0].shape

    # -- emission -------------------------------------------------------------

    def emit(
        self,
        op: str,
        inputs: Sequence[str],
        attrs: Mapping[str, Attr] | None = None,
        quant: Quant | None = None,
    ) -> str:
        """Add an op with one result. Views keep their operand's quantization, others get `quant`.

        Raises Diagnostic E206 where the operands do not fit.
        """
        try:
            return self._emit(op, inputs, attrs or {}, quant)
        except OpError as e:
            raise Diagnostic("E206", f"{self.op.code}: {e}", where=self.path) from e

    def _emit(self, op: str, inputs: Sequence[str], attrs: Mapping[str, Attr], quant: Quant | None) -> str:
        types = tuple(self.type(v) for v in inputs)
        data = tuple(self.graph.data(v) for v in inputs)
        (type,) = registry()[op].infer(Call(op, self.path, attrs, types, (), data))
        if type.size > LARGEST:
            raise OpError(f"the result has {type.size} elements")
        if registry()[op].is_view:
            type = type.with_(dtype=types[0].dtype, quant=types[0].quant)
        elif quant is not None:
            type = type.with_(dtype=DType.I8, quant=quant)
        node = self.graph.add(op, inputs, [type], attrs, path=self.path.split(";")[0], name=self.path)
        return node.outputs[0]

    def result(self, op: str, inputs: Sequence[str], attrs: Mapping[str, Attr] | None = None) -> str:
        """Add the op that computes the first result, in the file's quantization."""
        t = self.results[0]
        return self.emit(op, inputs, attrs, t.quant if t.dtype == "INT8" else None)

    def reshape(self, value: str, shape: tuple[int, ...]) -> str:
        """The value under another shape."""
        return value if self.type(value).shape == shape else self.emit("reshape", [value], {"shape": shape})


def dequantized(data: np.ndarray, quant: Quant | None) -> np.ndarray:
    """The real numbers of integers, float32."""
    if quant is None:
        return data.astype(np.float32)
    shape = [1] * data.ndim
    if quant.axis is not None:
        shape[quant.axis] = -1
    scale, zero = np.array(quant.scale).reshape(shape), np.array(quant.zero_point).reshape(shape)
    real: np.ndarray = ((data.astype(np.float64) - zero) * scale).astype(np.float32)
    return real if quant.axis is not None else real.reshape(data.shape)


def _reshaped(quant: Quant, old: tuple[int, ...], new: tuple[int, ...]) -> Quant:
    """Per-channel quantization after axes of length one were added or taken away."""
    if quant.axis is None:
        return quant
    behind = math.prod(old[quant.axis + 1 :])
    n = len(quant.scale)
    axes = [k for k in range(len(new)) if new[k] == n and math.prod(new[k + 1 :]) == behind]
    if not axes:
        raise Unsupported("weights quantized per channel under another shape")
    return Quant(quant.scale, quant.zero_point, axes[0])


def check_kernel(graph: Graph, value: str) -> None:
    """Raise OpError where the kernel of an integer node cannot hold the numbers the file gives it."""
    node = graph.producer(value)
    if node is None or op_of(node).is_view or any(t.dtype != DType.I8 for t in _activations(graph, node)):
        return
    try:
        kernel: Kernel = op_of(node).kernel(call_of(graph, node).plain)
    except AssertionError:
        raise OpError("a sum of products may exceed 32 bits") from None
    for name, f in kernel.fields.items():
        if name.endswith("shift") and np.max(f.value, initial=0) > 30:  # type: ignore[arg-type]
            raise OpError("the quantizations of operands and result differ by more than 2**30")


def _activations(graph: Graph, node: Node) -> list[TensorType]:
    """The types of a node's result and of what it computes it from."""
    return [graph.type(v) for v in (*node.inputs, *node.outputs) if not graph.is_constant(v)]
