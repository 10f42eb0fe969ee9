"""Comparisons and logic at run time: truth values are the floats 0 and 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgec.frontends.torch.activations import negated, pointwise, shifted
from edgec.frontends.torch.builder import Act, Builder, Const, Operand, lowers
from edgec.frontends.torch.reductions import amax


def _above(b: Builder, x: Any, y: Any) -> Any:
    """1 where x > y, 0 elsewhere."""
    if isinstance(x, Act | Const):
        difference = shifted(b, x, y, -1)
    else:
        difference = shifted(b, pointwise(b, y, "neg"), x, 1)
    return pointwise(b, pointwise(b, difference, "sign"), "relu")


@lowers("gt.Scalar", "gt.Tensor")
def _gt(b: Builder, x: Any, y: Any) -> Any:
    return _above(b, x, y)


@lowers("lt.Scalar", "lt.Tensor")
def _lt(b: Builder, x: Any, y: Any) -> Any:
    return _above(b, y, x)


@lowers("ge.Scalar", "ge.Tensor")
def _ge(b: Builder, x: Any, y: Any) -> Any:
    return negated(b, _above(b, y, x))


@lowers("le.Scalar", "le.Tensor")
def _le(b: Builder, x: Any, y: Any) -> Any:
    return negated(b, _above(b, x, y))


@lowers("ne.Scalar", "ne.Tensor")
def _ne(b: Builder, x: Any, y: Any) -> Any:
    return pointwise(b, pointwise(b, shifted(b, x, y, -1), "sign"), "abs")


@lowers("eq.Scalar", "eq.Tensor")
def _eq(b: Builder, x: Any, y: Any) -> Any:
    return negated(b, _ne(b, x, y))


@lowers("logical_not", "bitwise_not")
def _not(b: Builder, x: Operand) -> Any:
    return negated(b, x)


@lowers("logical_and", "bitwise_and.Tensor")
def _and(b: Builder, x: Operand, y: Operand) -> Any:
    return b.emit("mul", [x, y])


@lowers("logical_or", "bitwise_or.Tensor")
def _or(b: Builder, x: Operand, y: Operand) -> Any:
    return b.emit("maximum", [x, y])


@lowers("any", "any.dim", "any.dims")
def _any(b: Builder, x: Operand, axes: int | Sequence[int] | None = None, keep: bool = False) -> Any:
    return amax(b, x, axes, keep)


@lowers("all", "all.dim", "all.dims")
def _all(b: Builder, x: Operand, axes: int | Sequence[int] | None = None, keep: bool = False) -> Any:
    return negated(b, amax(b, negated(b, x), axes, keep))
