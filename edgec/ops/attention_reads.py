"""Where an attention call finds its operands, and which rows of them a query needs."""

from __future__ import annotations

import numpy as np

from edgec.ops.base import Call, Rows
from edgec.ops.strides import StridedView

NAMES = ("q", "k", "v")


def dims_of(call: Call) -> tuple[int, ...]:
    """(B,H,T,S,D,Dv)."""
    if "dims" in call.attrs:
        return call.ints("dims")
    q, k, v = (t.shape for t in call.ins[:3])
    return (*q[:3], k[2], q[3], v[3])


def heads_of(mask: np.ndarray, call: Call, heads: int) -> np.ndarray:
    """The part of a mask [..., H, T, S] that is about this call's heads."""
    if mask.ndim < 3 or mask.shape[-3] == 1 or "first_head" not in call.attrs:
        return mask
    first = call.int("first_head")
    return mask[..., first : first + heads, :, :]


def views_of(call: Call) -> tuple[StridedView, StridedView, StridedView]:
    """The vectors of q [B,H,T], k [B,H,S] and v [B,H,S]."""
    b, h, t, s, d, dv = dims_of(call)
    found = []
    for i, (n, run) in enumerate(((t, d), (s, d), (s, dv))):
        plain = (0, h * n * run, n * run, run)
        view = call.ints(f"{NAMES[i]}_view") if "dims" in call.attrs else plain
        found.append(StridedView(call.ins[i], view[0], view[1:], (b, h, n), run))
    return found[0], found[1], found[2]


def rows_of(call: Call, limit: np.ndarray | None) -> tuple[Rows, Rows, Rows]:
    """Rows of q, k and v per query; query t looks at the first limit[t] keys (None: at all)."""
    b, _, t, s, *_ = dims_of(call)
    q, k, v = views_of(call)
    used = np.full(b * t, s - 1) if limit is None else np.tile(np.maximum(limit, 1) - 1, b)
    batch = np.repeat(np.arange(b), t)
    found = [Rows(q.first_rows().min(axis=1).ravel(), q.last_rows().max(axis=1).ravel())]
    for view in (k, v):
        first = np.minimum.accumulate(view.first_rows().min(axis=1), axis=1)
        last = np.maximum.accumulate(view.last_rows().max(axis=1), axis=1)
        found.append(Rows(first[batch, used], last[batch, used]))
    return found[0], found[1], found[2]


def query_rows_are_output_rows(call: Call) -> bool:
    """Whether row i of q holds the queries of output row i, all heads in order, and nothing else."""
    b, h, t, _, d, _ = dims_of(call)
    q = views_of(call)[0]
    dense = np.arange(b * t * h).reshape(b, t, h).transpose(0, 2, 1) * d
    return q.type.row_size == h * d and np.array_equal(q.starts(), dense)
