"""What the converters of ATen ops work with: the graph builder over torch tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from edgec.diagnostics import Diagnostic
from edgec.frontends.builder import MASKED, Act, BaseBuilder, Const, Converter, Operand, Unsupported
from edgec.ir import Graph

if TYPE_CHECKING:
    import torch

__all__ = ["MASKED", "Act", "Builder", "Const", "Converter", "Operand", "Unsupported", "lowers"]

CONVERTERS: dict[str, Converter] = {}
"""Converters by overload name, `op.overload` without the namespace. Arguments are those of the
ATen schema in its order, defaults filled in, tensors as operands."""


def lowers(*names: str) -> Callable[[Converter], Converter]:
    """Register a converter for ATen overloads; a bare op name means its `default`."""

    def register(converter: Converter) -> Converter:
        for name in names:
            CONVERTERS[name if "." in name else f"{name}.default"] = converter
        return converter

    return register


class Builder(BaseBuilder):
    """The builder with torch tensors as constants."""

    def __init__(self, graph: Graph) -> None:
        super().__init__(graph)
        self._constants: dict[tuple[object, ...], tuple[str, torch.Tensor]] = {}

    def materialize(self, x: Const) -> str:
        """The graph's constant for a tensor, float32; a shared weight becomes one constant.

        Raises Diagnostic E204 where it is not finite.
        """
        import torch

        key = (x.data.data_ptr(), x.shape, x.data.stride(), x.data.dtype)
        if key in self._constants:
            return self._constants[key][0]
        data = x.data.detach().to(torch.float32).contiguous().numpy().copy()
        if not np.isfinite(data).all():
            raise Diagnostic(
                "E204", "NaN or infinite values in a constant", where=self.path, facts=(("tensor", x.origin),)
            )
        name = self.graph.add_constant(x.origin, data)
        self._constants[key] = (name, x.data)  # kept alive, so that the address stays its own
        return name

    def scalar(self, value: float) -> Const:
        """A one-element constant."""
        import torch

        return Const(torch.tensor([float(value)]), "scalar")

    def tensor(self, data: torch.Tensor, origin: str = "") -> Const:
        """A constant made here."""
        return Const(data, origin or self.label)

    def reshaped(self, x: Const, shape: tuple[int, ...]) -> Const:
        """The constant under another shape."""
        return Const(x.data.reshape(shape), x.origin)

    def transposed(self, x: Const, perm: tuple[int, ...]) -> Const:
        """The constant with its axes permuted."""
        return Const(x.data.permute(perm), x.origin)

    def taken(self, x: Const, axis: int, indices: tuple[int, ...]) -> Const:
        """The constant's elements of one axis by index."""
        import torch

        return Const(x.data.index_select(axis, torch.tensor(indices)), x.origin)

    def expanded(self, x: Const, shape: tuple[int, ...]) -> Const:
        """The constant broadcast to a shape."""
        return Const(x.data.expand(shape), x.origin)
