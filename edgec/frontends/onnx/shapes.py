"""Shape ops: reshape, transpose, slice, split, concatenate, gather, repeat, pad."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from edgec.frontends.builder import LARGEST
from edgec.frontends.onnx.builder import Attrs, NumpyBuilder, Operand, Unsupported, constant, converts

_END = 1 << 62


@converts("Reshape")
def _reshape(b: NumpyBuilder, a: Attrs, x: Operand, shape: Any) -> Any:
    wanted = [int(d) for d in constant(shape, "a shape").ravel()]
    if not a.get("allowzero", 0):
        wanted = [x.shape[k] if d == 0 else d for k, d in enumerate(wanted)]
    return b.reshape(x, wanted)


@converts("Flatten")
def _flatten(b: NumpyBuilder, a: Attrs, x: Operand) -> Any:
    axis = int(a.get("axis", 1))
    axis = axis + len(x.shape) if axis < 0 else axis
    return b.reshape(x, (math.prod(x.shape[:axis]), math.prod(x.shape[axis:])))


@converts("Squeeze")
def _squeeze(b: NumpyBuilder, a: Attrs, x: Operand, axes: Any = None) -> Any:
    rank = len(x.shape)
    if axes is None:
        gone = {k for k, d in enumerate(x.shape) if d == 1}
    else:
        gone = {int(k) % rank for k in constant(axes, "an axis").ravel()}
    return b.reshape(x, [d for k, d in enumerate(x.shape) if k not in gone])


@converts("Unsqueeze")
def _unsqueeze(b: NumpyBuilder, a: Attrs, x: Operand, axes: Any) -> Any:
    given = constant(axes, "an axis").ravel()
    rank = len(x.shape) + len(given)
    new, rest = {int(k) % rank for k in given}, iter(x.shape)
    return b.reshape(x, [1 if k in new else next(rest) for k in range(rank)])


@converts("Transpose")
def _transpose(b: NumpyBuilder, a: Attrs, x: Operand) -> Any:
    return b.transpose(x, a.get("perm", range(len(x.shape))[::-1]))


@converts("Slice")
def _slice(
    b: NumpyBuilder, a: Attrs, x: Operand, starts: Any, stops: Any, axes: Any = None, steps: Any = None
) -> Any:
    first, last = constant(starts, "a start").ravel(), constant(stops, "an end").ravel()
    over = range(len(first)) if axes is None else constant(axes, "an axis").ravel()
    by = [1] * len(first) if steps is None else constant(steps, "a step").ravel()
    for axis, start, stop, step in zip(over, first, last, by, strict=True):
        x = b.slice(x, int(axis), int(start), int(stop), int(step))
    return x


@converts("Split")
def _split(b: NumpyBuilder, a: Attrs, x: Operand, sizes: Any = None) -> Any:
    axis = int(a.get("axis", 0)) % len(x.shape)
    n = x.shape[axis]
    if sizes is not None:
        parts = [int(s) for s in constant(sizes, "a size").ravel()]
    else:
        count = int(a["num_outputs"])
        size = -(-n // count)
        parts = [min(size, n - k * size) for k in range(count)]
    starts = np.cumsum([0, *parts])
    return [b.slice(x, axis, int(s), int(s) + p) for s, p in zip(starts, parts, strict=False)]


@converts("Concat")
def _concat(b: NumpyBuilder, a: Attrs, *xs: Operand) -> Any:
    axis = int(a["axis"]) % len(xs[0].shape)
    return b.concat([x for x in xs if x.shape[axis]], axis)


@converts("Gather")
def _gather(b: NumpyBuilder, a: Attrs, x: Operand, indices: Any) -> Any:
    axis = int(a.get("axis", 0)) % len(x.shape)
    index = constant(indices, "an index")
    y = b.take(x, axis, [int(i) for i in index.ravel()])
    return b.reshape(y, (*x.shape[:axis], *index.shape, *x.shape[axis + 1 :]))


@converts("GatherElements")
def _gather_elements(b: NumpyBuilder, a: Attrs, x: Operand, indices: Any) -> Any:
    axis = int(a.get("axis", 0)) % len(x.shape)
    index = constant(indices, "an index")
    where = np.arange(math.prod(x.shape)).reshape(x.shape)
    fitting = tuple(slice(None) if k == axis else slice(0, n) for k, n in enumerate(index.shape))
    picked = np.take_along_axis(where[fitting], index % x.shape[axis], axis)
    return b.reshape(b.take(b.reshape(x, (-1,)), 0, picked.ravel().tolist()), index.shape)


@converts("GatherND")
def _gather_nd(b: NumpyBuilder, a: Attrs, x: Operand, indices: Any) -> Any:
    if a.get("batch_dims", 0):
        raise Unsupported("batch_dims")
    index = constant(indices, "an index")
    depth = index.shape[-1]
    sizes = x.shape[:depth]
    rows = [index[..., k] % n for k, n in enumerate(sizes)]
    flat = np.ravel_multi_index(tuple(r.ravel() for r in rows), sizes)
    y = b.take(b.reshape(x, (-1, *x.shape[depth:])), 0, flat.tolist())
    return b.reshape(y, (*index.shape[:-1], *x.shape[depth:]))


@converts("Expand")
def _expand(b: NumpyBuilder, a: Attrs, x: Operand, shape: Any) -> Any:
    wanted = tuple(int(d) for d in constant(shape, "a shape").ravel())
    return b.expand(x, np.broadcast_shapes(x.shape, wanted))


@converts("Tile")
def _tile(b: NumpyBuilder, a: Attrs, x: Operand, repeats: Any) -> Any:
    for axis, count in enumerate(int(c) for c in constant(repeats, "a count").ravel()):
        if count > 1 and x.shape[axis] == 1:
            x = b.expand(x, [count if k == axis else d for k, d in enumerate(x.shape)])
        elif count > LARGEST // math.prod(x.shape):
            raise Unsupported(f"{count} repeats")
        elif count > 1:
            x = b.take(x, axis, list(range(x.shape[axis])) * count)
        elif count < 1:
            raise Unsupported(f"{count} repeats")
    return x


@converts("Pad")
def _pad(b: NumpyBuilder, a: Attrs, x: Operand, pads: Any, value: Any = None, axes: Any = None) -> Any:
    rank = len(x.shape)
    over = range(rank) if axes is None else [int(k) % rank for k in constant(axes, "an axis").ravel()]
    given = [int(p) for p in constant(pads, "padding").ravel()]
    amounts = [(0, 0)] * rank
    for k, axis in enumerate(over):
        amounts[axis] = (given[k], given[k + len(given) // 2])
    mode = a.get("mode", "constant")
    if mode == "constant":
        fill = constant(value, "a value").ravel() if value is not None else np.zeros(0)
        return b.pad(x, amounts, float(fill[0]) if fill.size else 0.0)
    for axis, (before, after) in enumerate(amounts):
        if before or after:
            n = x.shape[axis]
            if n + before + after > LARGEST // math.prod(x.shape) * n:
                raise Unsupported(f"padding of {before} and {after}")
            x = b.take(x, axis, [_source(k, n, mode) for k in range(-before, n + after)])
    return x


def _source(k: int, n: int, mode: str) -> int:
    """The element that stands at position k of an axis of n that is continued on both sides."""
    match mode:
        case "wrap":
            return k % n
        case "edge":
            return min(max(k, 0), n - 1)
        case "reflect":
            period = max(2 * (n - 1), 1)
            return n - 1 - abs(n - 1 - k % period)
    raise Unsupported(f"padding mode {mode}")


@converts("Trilu")
def _trilu(b: NumpyBuilder, a: Attrs, x: Operand, k: Any = None) -> Any:
    at = 0 if k is None else int(constant(k, "a diagonal").ravel()[0])
    ones = np.ones(x.shape[-2:], np.float32)
    return b.emit(
        "mul", [x, b.tensor(np.triu(ones, at) if a.get("upper", 1) else np.tril(ones, at), "trilu")]
    )
