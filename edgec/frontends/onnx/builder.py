"""What the converters of ONNX ops work with: the graph builder over numpy constants."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgec.diagnostics import Diagnostic
from edgec.frontends.builder import MASKED, Act, BaseBuilder, Const, Converter, Operand, Unsupported
from edgec.ir import DType, Graph, Quant
from edgec.ops.base import add_op

__all__ = ["Act", "Const", "NumpyBuilder", "Operand", "QuantConst", "Unsupported", "constant", "converts"]

Attrs = Mapping[str, Any]
CONVERTERS: dict[str, Converter] = {}
"""Converters by op type. Arguments: builder, attributes, then the node's inputs (None where omitted)."""


def converts(*names: str) -> Callable[[Converter], Converter]:
    """Register a converter for op types of the default ONNX domain."""

    def register(converter: Converter) -> Converter:
        for name in names:
            CONVERTERS[name] = converter
        return converter

    return register


@dataclass(frozen=True, eq=False)
class QuantConst(Const):
    """A dequantized constant that keeps the parameters the file gave it."""

    quant: Quant


def constant(x: Any, what: str) -> np.ndarray:
    """The data of a constant operand. Raises Unsupported for one computed at run time."""
    if not isinstance(x, Const):
        raise Unsupported(f"{what} computed at run time")
    return np.asarray(x.data)


class NumpyBuilder(BaseBuilder):
    """The builder with numpy arrays as constants."""

    def __init__(self, graph: Graph) -> None:
        super().__init__(graph)
        self._named: dict[tuple[object, ...], tuple[str, np.ndarray]] = {}

    def tensor(self, data: Any, origin: str = "") -> Const:
        """A constant made here."""
        return Const(np.asarray(data), origin or self.label)

    def scalar(self, value: float) -> Const:
        """A one-element constant."""
        return self.tensor(np.array([value], np.float32), "scalar")

    def materialize(self, x: Const) -> str:
        """The graph's constant, float32; a shared weight becomes one. Raises Diagnostic E204."""
        array = np.asarray(x.data)
        key = (array.__array_interface__["data"][0], array.shape, array.strides, array.dtype.str)
        if key not in self._named:
            data = np.ascontiguousarray(array, dtype=np.float32)
            if not np.isfinite(data).all():
                raise Diagnostic(
                    "E204",
                    "NaN or infinite weights",
                    where=self.path or self.label,
                    facts=[("weight", x.origin)],
                    remedies=["the training diverged, or the file is damaged: export again"],
                )
            data = data.reshape(array.shape)
            quant = x.quant if isinstance(x, QuantConst) else None
            name = self.graph.add_constant(x.origin or "constant", data, quant)
            self._named[key] = (name, array)  # kept alive, so that the address stays its own
        return self._named[key][0]

    def reshaped(self, x: Const, shape: tuple[int, ...]) -> Const:
        """The constant under another shape."""
        y = np.asarray(x.data).reshape(shape)
        if isinstance(x, QuantConst) and (x.quant.axis is None or _kept(x.shape, y.shape, x.quant.axis)):
            return QuantConst(y, x.origin, x.quant)
        return self.tensor(y, x.origin)

    def transposed(self, x: Const, perm: tuple[int, ...]) -> Const:
        """The constant with its axes permuted."""
        y = np.asarray(x.data).transpose(perm)
        if isinstance(x, QuantConst):
            q = x.quant
            axis = None if q.axis is None else perm.index(q.axis)
            return QuantConst(y, x.origin, Quant(q.scale, q.zero_point, axis))
        return self.tensor(y, x.origin)

    def taken(self, x: Const, axis: int, indices: tuple[int, ...]) -> Const:
        """The constant's elements of one axis by index."""
        return self.tensor(np.take(np.asarray(x.data), indices, axis), x.origin)

    def expanded(self, x: Const, shape: tuple[int, ...]) -> Const:
        """The constant broadcast to a shape."""
        return self.tensor(np.broadcast_to(np.asarray(x.data), shape), x.origin)

    def binary(self, op: str, x: Operand, y: Operand) -> Any:
        """An elementwise op of two operands; what masks with minus infinity stays finite."""
        return self.emit(op, [tamed(self, x), tamed(self, y)])

    def in_format(self, op: str, x: Act, dtype: DType, quant: Quant | None) -> Act:
        """A `quantize` (to this format) or `dequantize` node, as the file states it."""
        (name,) = add_op(self.graph, op, [x.name], path=self.path, name=self.label or op)
        type = self.graph.type(name).with_(dtype=dtype, quant=quant)
        self.graph.set_type(name, type)
        return Act(name, type.shape, dtype)


def tamed(b: NumpyBuilder, x: Operand) -> Operand:
    """A mask with its huge negative values made finite and small."""
    if not isinstance(x, Const) or not (np.asarray(x.data) < -1e8).any():
        return x
    return b.tensor(np.where(np.asarray(x.data) < -1e8, MASKED, x.data), x.origin)


def _kept(old: Sequence[int], new: Sequence[int], axis: int) -> bool:
    return tuple(old[: axis + 1]) == tuple(new[: axis + 1])
