"""Indexing with constant tensors: position tables, window gathers, relative bias."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from edgec.frontends.torch.builder import Builder, Const, Operand, Unsupported, lowers

if TYPE_CHECKING:
    import torch


def _constant(index: Any) -> torch.Tensor:
    if not isinstance(index, Const):
        raise Unsupported("an index that is computed at run time")
    return index.data


@lowers("index_select")
def _index_select(b: Builder, x: Operand, axis: int, index: Operand) -> Any:
    return b.take(x, axis, _constant(index).flatten().tolist())


@lowers("embedding")
def _embedding(b: Builder, table: Operand, index: Operand, *rest: Any) -> Any:
    ids = _constant(index)
    return b.reshape(b.take(table, 0, ids.flatten().tolist()), (*ids.shape, table.shape[1]))


@lowers("gather")
def _gather(b: Builder, x: Operand, axis: int, index: Operand, *rest: Any) -> Any:
    import torch

    ids = _constant(index)
    where = torch.arange(math.prod(x.shape)).reshape(x.shape)
    where = where[tuple(slice(0, n) if k != axis % len(x.shape) else slice(None)
                        for k, n in enumerate(ids.shape))]  # fmt: skip
    picked = torch.gather(where, axis, ids)
    return b.reshape(b.take(b.reshape(x, (-1,)), 0, picked.flatten().tolist()), ids.shape)


@lowers("index.Tensor", "_unsafe_index.Tensor")
def _index(b: Builder, x: Operand, indices: Sequence[Any]) -> Any:
    """x[i, j, ..] with tensors and None, by the rules of numpy's advanced indexing."""
    import torch

    chosen = _expanded(indices)
    axes = [k for k, i in enumerate(chosen) if i is not None]
    shape = np.broadcast_shapes(*[i.shape for i in chosen if i is not None])
    tensors = [i.expand(shape) for i in chosen if i is not None]
    # Axes that are not neighbours go to the front, and so does what is picked from them.
    at = axes[0] if axes == list(range(axes[0], axes[-1] + 1)) else 0
    rest = [k for k in range(len(x.shape)) if k not in axes]
    y = b.transpose(x, [*rest[:at], *axes, *rest[at:]])
    flat = torch.zeros(shape, dtype=torch.int64)
    for axis, index in zip(axes, tensors, strict=True):
        size = x.shape[axis]
        flat = flat * size + torch.where(index < 0, index + size, index)
    before, after = y.shape[:at], y.shape[at + len(axes) :]
    y = b.reshape(y, (*before, -1, *after))
    return b.reshape(b.take(y, at, flat.flatten().tolist()), (*before, *shape, *after))


def _expanded(indices: Sequence[Any]) -> list[Any]:
    """Boolean masks as the index tensors of their true elements."""
    import torch

    out: list[Any] = []
    for index in indices:
        if index is None:
            out.append(None)
        elif (data := _constant(index)).dtype == torch.bool:
            out += list(data.nonzero(as_tuple=True))
        else:
            out.append(data.long())
    return out


@lowers("index_put", "_unsafe_index_put", "index_copy", "scatter.src", "scatter.value")
def _refuse_write(b: Builder, *rest: Any) -> Any:
    raise Unsupported("a write by index; build the tensor with cat or where")
