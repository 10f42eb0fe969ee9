"""Reductions over axes, softmax and argmax."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgec.frontends.onnx.builder import Attrs, NumpyBuilder, Operand, Unsupported, constant, converts
from edgec.frontends.onnx.elementwise import pointwise


def reduce(b: NumpyBuilder, op: str, x: Operand, axes: Sequence[int], keep: bool) -> Any:
    """`mean`, `sum` or `reduce_max`; nothing but a reshape where the axes have size one."""
    over = tuple(sorted(k % len(x.shape) for k in axes))
    if all(x.shape[k] == 1 for k in over):
        return x if keep else b.reshape(x, [d for k, d in enumerate(x.shape) if k not in over])
    return b.emit(op, [x], {"axes": over, "keepdims": keep})


def _axes(a: Attrs, x: Operand, axes: Any) -> list[int] | None:
    """The axes of a reduction, None where it reduces nothing."""
    given = a.get("axes") if axes is None else constant(axes, "an axis").ravel().tolist()
    if given:
        return [int(k) for k in given]
    return None if a.get("noop_with_empty_axes", 0) else list(range(len(x.shape)))


def _reduction(b: NumpyBuilder, op: str, a: Attrs, x: Operand, axes: Any) -> Any:
    over = _axes(a, x, axes)
    return x if over is None else reduce(b, op, x, over, bool(a.get("keepdims", 1)))


@converts("ReduceMean")
def _mean(b: NumpyBuilder, a: Attrs, x: Operand, axes: Any = None) -> Any:
    return _reduction(b, "mean", a, x, axes)


@converts("ReduceSum")
def _sum(b: NumpyBuilder, a: Attrs, x: Operand, axes: Any = None) -> Any:
    return _reduction(b, "sum", a, x, axes)


@converts("ReduceMax")
def _max(b: NumpyBuilder, a: Attrs, x: Operand, axes: Any = None) -> Any:
    return _reduction(b, "reduce_max", a, x, axes)


@converts("ReduceMin")
def _min(b: NumpyBuilder, a: Attrs, x: Operand, axes: Any = None) -> Any:
    return pointwise(b, _reduction(b, "reduce_max", a, pointwise(b, x, "neg"), axes), "neg")


@converts("ReduceSumSquare")
def _sum_square(b: NumpyBuilder, a: Attrs, x: Operand, axes: Any = None) -> Any:
    return _reduction(b, "sum", a, b.emit("mul", [x, x]), axes)


@converts("ReduceL2")
def _l2(b: NumpyBuilder, a: Attrs, x: Operand, axes: Any = None) -> Any:
    return pointwise(b, _sum_square(b, a, x, axes), "sqrt")


@converts("ReduceL1")
def _l1(b: NumpyBuilder, a: Attrs, x: Operand, axes: Any = None) -> Any:
    return _reduction(b, "sum", a, pointwise(b, x, "abs"), axes)


@converts("ArgMax")
def argmax(b: NumpyBuilder, a: Attrs, x: Operand) -> Any:
    """The index of the largest element, the first of equals."""
    if a.get("select_last_index", 0):
        raise Unsupported("select_last_index")
    axis = int(a.get("axis", 0)) % len(x.shape)
    return b.emit("argmax", [x], {"axis": axis, "keepdims": bool(a.get("keepdims", 1))})


@converts("ArgMin")
def _argmin(b: NumpyBuilder, a: Attrs, x: Operand) -> Any:
    return argmax(b, a, pointwise(b, x, "neg"))


@converts("Softmax")
def softmax(b: NumpyBuilder, a: Attrs, x: Operand) -> Any:
    """The op `softmax`, which runs along the last axis."""
    perm = list(range(len(x.shape)))
    axis = int(a.get("axis", -1)) % len(perm)
    perm[axis], perm[-1] = perm[-1], perm[axis]
    return b.transpose(b.emit("softmax", [b.transpose(x, perm)], {"beta": 1.0}), perm)


@converts("LogSoftmax")
def _log_softmax(b: NumpyBuilder, a: Attrs, x: Operand) -> Any:
    return pointwise(b, softmax(b, a, x), "log")
