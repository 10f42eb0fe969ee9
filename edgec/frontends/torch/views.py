"""Shape ops: reshape, permute, slice, split, concatenate, repeat, flip, roll, pad."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgec.frontends.torch.builder import Builder, Operand, Unsupported, lowers

_END = 1 << 62


@lowers("view", "reshape", "_unsafe_view", "_reshape_alias")
def _reshape(b: Builder, x: Operand, shape: Sequence[int], *rest: Any) -> Any:
    return b.reshape(x, shape)


@lowers("flatten.using_ints")
def _flatten(b: Builder, x: Operand, start: int, end: int) -> Any:
    rank = len(x.shape)
    start, end = start % rank, end % rank
    return b.reshape(x, (*x.shape[:start], -1, *x.shape[end + 1 :]))


@lowers("unsqueeze")
def _unsqueeze(b: Builder, x: Operand, axis: int) -> Any:
    axis %= len(x.shape) + 1
    return b.reshape(x, (*x.shape[:axis], 1, *x.shape[axis:]))


@lowers("squeeze", "squeeze.dim", "squeeze.dims")
def _squeeze(b: Builder, x: Operand, axes: int | Sequence[int] | None = None) -> Any:
    rank = len(x.shape)
    chosen = range(rank) if axes is None else [axes] if isinstance(axes, int) else axes
    gone = {a % rank for a in chosen if x.shape[a] == 1}
    return b.reshape(x, [d for k, d in enumerate(x.shape) if k not in gone])


@lowers("permute")
def _permute(b: Builder, x: Operand, perm: Sequence[int]) -> Any:
    return b.transpose(x, perm)


@lowers("transpose.int", "swapaxes", "transpose")
def _transpose(b: Builder, x: Operand, i: int, j: int) -> Any:
    perm = list(range(len(x.shape)))
    perm[i], perm[j] = perm[j], perm[i]
    return b.transpose(x, perm)


@lowers("t")
def _t(b: Builder, x: Operand) -> Any:
    return b.transpose(x, range(len(x.shape))[::-1])


@lowers("expand")
def _expand(b: Builder, x: Operand, shape: Sequence[int], *rest: Any) -> Any:
    return b.expand(x, shape)


@lowers("slice.Tensor")
def _slice(b: Builder, x: Operand, axis: int, start: int | None, stop: int | None, step: int) -> Any:
    import torch

    first, last = start or 0, _END if stop is None else stop
    axis %= len(x.shape)
    kept = range(x.shape[axis])[first:last:step]
    if not kept:  # rotary embeddings that cover all features leave an empty rest
        return b.tensor(torch.zeros(*x.shape[:axis], 0, *x.shape[axis + 1 :]), "empty")
    return b.slice(x, axis, first, last, step)


@lowers("select.int")
def _select(b: Builder, x: Operand, axis: int, index: int) -> Any:
    axis %= len(x.shape)
    index %= x.shape[axis]
    y = b.slice(x, axis, index, index + 1)
    return b.reshape(y, (*x.shape[:axis], *x.shape[axis + 1 :]))


@lowers("split_with_sizes", "split_with_sizes_copy")
def _split_sizes(b: Builder, x: Operand, sizes: Sequence[int], axis: int) -> Any:
    parts, start = [], 0
    for size in sizes:
        parts.append(b.slice(x, axis, start, start + size))
        start += size
    return parts


@lowers("split.Tensor", "split_copy.Tensor")
def _split(b: Builder, x: Operand, size: int, axis: int) -> Any:
    n = x.shape[axis]
    return [b.slice(x, axis, k, min(k + size, n)) for k in range(0, n, size)]


@lowers("chunk")
def _chunk(b: Builder, x: Operand, count: int, axis: int) -> Any:
    return _split(b, x, -(-x.shape[axis] // count), axis)


@lowers("unbind.int")
def _unbind(b: Builder, x: Operand, axis: int) -> Any:
    return [_select(b, x, axis, k) for k in range(x.shape[axis])]


@lowers("cat")
def _cat(b: Builder, xs: Sequence[Operand], axis: int) -> Any:
    axis %= max(len(x.shape) for x in xs)  # torch lets empty vectors stand among other ranks
    return b.concat([x for x in xs if 0 not in x.shape] or xs[:1], axis)


@lowers("stack")
def _stack(b: Builder, xs: Sequence[Operand], axis: int) -> Any:
    axis %= len(xs[0].shape) + 1
    return b.concat([_unsqueeze(b, x, axis) for x in xs], axis)


@lowers("repeat")
def _repeat(b: Builder, x: Operand, repeats: Sequence[int]) -> Any:
    lead = len(repeats) - len(x.shape)
    x = b.reshape(x, (1,) * lead + x.shape)
    for axis, count in enumerate(repeats):
        if x.shape[axis] == 1:
            x = b.expand(x, [count if k == axis else -1 for k in range(len(x.shape))])
        elif count > 1:
            x = b.concat([x] * count, axis)
    return x


@lowers("repeat_interleave.self_int")
def _repeat_interleave(b: Builder, x: Operand, count: int, axis: int | None, *rest: Any) -> Any:
    if axis is None:
        x, axis = b.reshape(x, (-1,)), 0
    axis %= len(x.shape)
    y = b.reshape(x, (*x.shape[: axis + 1], 1, *x.shape[axis + 1 :]))
    y = b.expand(y, [count if k == axis + 1 else -1 for k in range(len(y.shape))])
    return b.reshape(y, (*x.shape[:axis], -1, *x.shape[axis + 1 :]))


@lowers("flip")
def _flip(b: Builder, x: Operand, axes: Sequence[int]) -> Any:
    for axis in axes:
        x = b.take(x, axis, range(x.shape[axis])[::-1])
    return x


@lowers("roll")
def _roll(b: Builder, x: Operand, shifts: Sequence[int], axes: Sequence[int]) -> Any:
    if not axes:
        return b.reshape(_roll(b, b.reshape(x, (-1,)), shifts, (0,)), x.shape)
    for shift, axis in zip(shifts, axes, strict=True):
        n = x.shape[axis]
        x = b.take(x, axis, [(k - shift) % n for k in range(n)])
    return x


@lowers("slice_scatter")
def _slice_scatter(
    b: Builder, x: Operand, source: Operand, axis: int, start: int | None, stop: int | None, step: int
) -> Any:
    axis %= len(x.shape)
    n = x.shape[axis]
    start, stop, step = slice(start, stop, step).indices(n)
    if step != 1:
        merged = b.concat([x, b.expand(source, [-1] * len(x.shape))], axis)
        written = {k: n + j for j, k in enumerate(range(start, stop, step))}
        return b.take(merged, axis, [written.get(k, k) for k in range(n)])
    parts = [b.slice(x, axis, 0, start)] if start else []
    parts.append(source)
    return b.concat([*parts, *([b.slice(x, axis, stop, n)] if stop < n else [])], axis)


@lowers("select_scatter")
def _select_scatter(b: Builder, x: Operand, source: Operand, axis: int, index: int) -> Any:
    axis %= len(x.shape)
    index %= x.shape[axis]
    return _slice_scatter(b, x, _unsqueeze(b, source, axis), axis, index, index + 1, 1)


@lowers("copy")
def _copy(b: Builder, x: Operand, source: Operand, *rest: Any) -> Any:
    return b.expand(source, x.shape)


# -- padding ----------------------------------------------------------------


def _pairs(rank: int, pads: Sequence[int]) -> list[tuple[int, int]]:
    """torch's padding list, last axis first, as (before, after) per axis."""
    pairs = [(0, 0)] * rank
    for k in range(len(pads) // 2):
        pairs[rank - 1 - k] = (pads[2 * k], pads[2 * k + 1])
    return pairs


@lowers("constant_pad_nd")
def _constant_pad(b: Builder, x: Operand, pads: Sequence[int], value: float) -> Any:
    return b.pad(x, _pairs(len(x.shape), pads), float(value))


@lowers("reflection_pad1d", "reflection_pad2d")
def _reflection_pad(b: Builder, x: Operand, pads: Sequence[int]) -> Any:
    return _pad(b, x, pads, "reflect", None)


@lowers("replication_pad1d", "replication_pad2d")
def _replication_pad(b: Builder, x: Operand, pads: Sequence[int]) -> Any:
    return _pad(b, x, pads, "replicate", None)


@lowers("pad")
def _pad(b: Builder, x: Operand, pads: Sequence[int], mode: str, value: float | None) -> Any:
    if mode == "constant":
        return _constant_pad(b, x, pads, value or 0.0)
    for axis, (before, after) in enumerate(_pairs(len(x.shape), pads)):
        if before or after:
            n = x.shape[axis]
            x = b.take(x, axis, [_source(k, n, mode) for k in range(-before, n + after)])
    return x


def _source(k: int, n: int, mode: str) -> int:
    """The element that stands at position k of an axis of n that is continued on both sides."""
    if mode == "circular":
        return k % n
    if mode == "replicate":
        return min(max(k, 0), n - 1)
    if mode == "reflect":
        return n - 1 - abs(n - 1 - abs(k))
    raise Unsupported(f"padding mode {mode}")
