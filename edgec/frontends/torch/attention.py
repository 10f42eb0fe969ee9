"""Softmax and scaled dot product attention."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from edgec.frontends.torch.activations import scaled, tamed
from edgec.frontends.torch.builder import MASKED, Act, Builder, Const, Operand, lowers
from edgec.frontends.torch.products import matmul


@lowers("softmax.int", "_softmax", "_safe_softmax")
def softmax(b: Builder, x: Operand, axis: int, *rest: Any) -> Any:
    """The op `softmax`, which runs along the last axis."""
    rank = len(x.shape)
    axis %= rank
    perm = list(range(rank))
    perm[axis], perm[-1] = perm[-1], perm[axis]
    y = b.emit("softmax", [b.transpose(x, perm)], {"beta": 1.0})
    return b.transpose(y, perm)


@lowers("log_softmax.int", "_log_softmax")
def _log_softmax(b: Builder, x: Operand, axis: int, *rest: Any) -> Any:
    return b.emit("pointwise", [softmax(b, x, axis)], {"fn": "log"})


@lowers("scaled_dot_product_attention")
def _attention(
    b: Builder,
    q: Operand,
    k: Operand,
    v: Operand,
    mask: Operand | None,
    dropout: float,
    is_causal: bool,
    scale: float | None,
    enable_gqa: bool = False,
) -> Any:
    """q [..., T, D], k [..., S, D], v [..., S, Dv] -> [..., T, Dv]; dropout is off at inference."""
    import torch

    if enable_gqa:
        k, v = (_repeated(b, x, q.shape[-3] // x.shape[-3]) for x in (k, v))
    lead = tuple(np.broadcast_shapes(q.shape[:-2], k.shape[:-2], v.shape[:-2]))
    t, s, dv = q.shape[-2], k.shape[-2], v.shape[-1]
    scale = 1 / math.sqrt(q.shape[-1]) if scale is None else float(scale)
    q, k, v = (b.expand(x, (*lead, *x.shape[-2:])) for x in (q, k, v))
    if is_causal:
        keep = torch.ones(t, s, dtype=torch.bool).tril()
        mask = b.tensor(torch.zeros(t, s).masked_fill(~keep, MASKED), "causal")
    if isinstance(mask, Act):
        scores = b.emit("add", [scaled(b, matmul(b, q, _keys(b, k)), scale), mask])
        return matmul(b, softmax(b, scores, -1), v)
    outer, heads = math.prod(lead[:-1]), lead[-1] if lead else 1
    operands = [b.reshape(x, (outer, heads, *x.shape[-2:])) for x in (q, k, v)]
    if mask is not None:
        operands.append(_mask(b, mask, lead, (outer, heads, t, s)))
    y = b.emit("attention", operands, {"scale": scale})
    return b.reshape(b.transpose(y, (0, 2, 1, 3)), (*lead, t, dv))


def _keys(b: Builder, k: Operand) -> Any:
    return b.transpose(k, [*range(len(k.shape) - 2), -1, -2])


def _repeated(b: Builder, x: Operand, count: int) -> Any:
    """Every head `count` times in a row."""
    axis = len(x.shape) - 3
    return b.take(x, axis, [h for h in range(x.shape[axis]) for _ in range(count)])


def _mask(b: Builder, mask: Const, lead: tuple[int, ...], shape: tuple[int, ...]) -> Const:
    """An additive mask broadcastable to `shape` [B,H,T,S], from one that broadcasts to [*lead,T,S]."""
    import torch

    data = mask.data
    if data.dtype == torch.bool:
        data = torch.zeros(data.shape).masked_fill(~data, MASKED)
    rank = len(lead) + 2
    data = data.reshape((1,) * (rank - data.ndim) + tuple(data.shape))
    if rank == 4 or all(d == 1 for d in data.shape[:-2]):
        data = data.reshape((1,) * max(4 - rank, 0) + tuple(data.shape[max(rank - 4, 0) :]))
    else:
        data = data.expand(*lead, *data.shape[-2:]).reshape(*shape[:2], *data.shape[-2:])
    result = tamed(Const(data, mask.origin))
    assert isinstance(result, Const)
    return result
