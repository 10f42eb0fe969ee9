"""Reductions over axes: mean, sum, max, min, variance, norms, argmax."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from edgec.frontends.torch.activations import pointwise, scaled
from edgec.frontends.torch.builder import Builder, Operand, Unsupported, lowers


def _axes(x: Operand, axes: int | Sequence[int] | None) -> tuple[int, ...]:
    rank = len(x.shape)
    if axes is None or (not isinstance(axes, int) and not axes):
        return tuple(range(rank))
    return tuple(sorted(a % rank for a in ([axes] if isinstance(axes, int) else axes)))


def reduce(b: Builder, op: str, x: Operand, axes: tuple[int, ...], keep: bool) -> Any:
    """`mean`, `sum` or `reduce_max`; nothing but a reshape where the axes have size one."""
    if all(x.shape[a] == 1 for a in axes):
        return x if keep else b.reshape(x, [d for k, d in enumerate(x.shape) if k not in axes])
    return b.emit(op, [x], {"axes": axes, "keepdims": bool(keep)})


@lowers("mean.dim")
def mean(b: Builder, x: Operand, axes: Sequence[int] | None, keep: bool = False, *rest: Any) -> Any:
    """The mean over axes."""
    return reduce(b, "mean", x, _axes(x, axes), keep)


@lowers("mean")
def _mean_all(b: Builder, x: Operand, *rest: Any) -> Any:
    return reduce(b, "mean", x, _axes(x, None), False)


@lowers("sum")
def _sum_all(b: Builder, x: Operand, *rest: Any) -> Any:
    return reduce(b, "sum", x, _axes(x, None), False)


@lowers("sum.dim_IntList")
def _sum(b: Builder, x: Operand, axes: Sequence[int] | None, keep: bool = False, *rest: Any) -> Any:
    return reduce(b, "sum", x, _axes(x, axes), keep)


@lowers("amax")
def amax(b: Builder, x: Operand, axes: int | Sequence[int] | None = None, keep: bool = False) -> Any:
    """The maximum over axes."""
    return reduce(b, "reduce_max", x, _axes(x, axes), keep)


@lowers("amin")
def _amin(b: Builder, x: Operand, axes: int | Sequence[int] | None = None, keep: bool = False) -> Any:
    return pointwise(b, amax(b, pointwise(b, x, "neg"), axes, keep), "neg")


@lowers("max")
def _max_all(b: Builder, x: Operand) -> Any:
    return amax(b, x)


@lowers("min")
def _min_all(b: Builder, x: Operand) -> Any:
    return _amin(b, x)


@lowers("max.dim")
def _max_dim(b: Builder, x: Operand, axis: int, keep: bool) -> Any:
    return [amax(b, x, axis, keep), _argmax(b, x, axis, keep)]


@lowers("min.dim")
def _min_dim(b: Builder, x: Operand, axis: int, keep: bool) -> Any:
    return [_amin(b, x, axis, keep), _argmin(b, x, axis, keep)]


@lowers("argmax")
def _argmax(b: Builder, x: Operand, axis: int | None, keep: bool = False) -> Any:
    if axis is None:
        x, axis = b.reshape(x, (-1,)), 0
    return b.emit("argmax", [x], {"axis": axis % len(x.shape), "keepdims": bool(keep)})


@lowers("argmin")
def _argmin(b: Builder, x: Operand, axis: int | None, keep: bool = False) -> Any:
    return _argmax(b, pointwise(b, x, "neg"), axis, keep)


@lowers("logsumexp")
def _logsumexp(b: Builder, x: Operand, axes: Sequence[int], keep: bool = False) -> Any:
    total = reduce(b, "sum", pointwise(b, x, "exp"), _axes(x, axes), keep)
    return pointwise(b, total, "log")


# -- variance and norms -----------------------------------------------------


@lowers("var.correction")
def _var(
    b: Builder,
    x: Operand,
    axes: Sequence[int] | None = None,
    correction: float | None = None,
    keep: bool = False,
) -> Any:
    return _moments(b, x, axes, correction, keep)[0]


@lowers("std.correction")
def _std(
    b: Builder,
    x: Operand,
    axes: Sequence[int] | None = None,
    correction: float | None = None,
    keep: bool = False,
) -> Any:
    return pointwise(b, _moments(b, x, axes, correction, keep)[0], "sqrt")


@lowers("var_mean.correction")
def _var_mean(
    b: Builder,
    x: Operand,
    axes: Sequence[int] | None = None,
    correction: float | None = None,
    keep: bool = False,
) -> Any:
    return list(_moments(b, x, axes, correction, keep))


def _moments(
    b: Builder, x: Operand, axes: Sequence[int] | None, correction: float | None, keep: bool
) -> tuple[Any, Any]:
    """(variance, mean) over axes; the variance is divided by count - correction."""
    over = _axes(x, axes)
    count = math.prod(x.shape[a] for a in over)
    center = reduce(b, "mean", x, over, True)
    deviation = b.emit("sub", [x, center])
    square = reduce(b, "mean", b.emit("mul", [deviation, deviation]), over, keep)
    divisor = count - (1.0 if correction is None else correction)
    if divisor <= 0:
        raise Unsupported(f"the variance of {count} values with correction {correction}")
    if not keep:
        center = b.reshape(center, square.shape)
    return scaled(b, square, count / divisor), center


@lowers("linalg_vector_norm")
def _norm(
    b: Builder, x: Operand, order: float, axes: Sequence[int] | None = None, keep: bool = False, *rest: Any
) -> Any:
    over = _axes(x, axes)
    if order == 2:
        return pointwise(b, reduce(b, "sum", b.emit("mul", [x, x]), over, keep), "sqrt")
    size = pointwise(b, x, "abs")
    if order == math.inf:
        return reduce(b, "reduce_max", size, over, keep)
    if order == 1:
        return reduce(b, "sum", size, over, keep)
    if order <= 0:
        raise Unsupported(f"a norm of order {order}")
    total = reduce(b, "sum", pointwise(b, size, "power", exponent=float(order)), over, keep)
    return pointwise(b, total, "power", exponent=1 / order)
