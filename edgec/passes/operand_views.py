"""Which views an op's operand can be read through, instead of being copied first."""

from __future__ import annotations

import numpy as np

from edgec.ir import Graph, Node
from edgec.ops.viewmap import ViewMap, merged

READERS = ("attention", "matmul")
"""Ops that read operands through strides."""


def strides_of(view: ViewMap, groups: tuple[int, ...]) -> tuple[int, ...] | None:
    """(offset, one stride per group of axes), or None where a group is not one regular loop.

    groups: how many axes of the view each group takes, from the first on.
    """
    if view.index is not None:
        return None
    found, at = [view.offset], 0
    for count in groups:
        loops = merged([atom for axis in view.axes[at : at + count] for atom in axis])
        if len(loops) > 1:
            return None
        found.append(loops[0][1] if loops else 0)
        at += count
    return tuple(found)


def operand_strides(graph: Graph, node: Node, k: int, view: ViewMap) -> tuple[int, ...] | None:
    """How an attention or a matmul reads operand k through this view of a tensor; None where it cannot.

    (offset, stride of batch, ..) in elements: of an attention (batch, head, token) with unit stride in
    the features, of a matmul (batch, row, column).
    """
    rank = len(view.shape)
    if "dims" in node.attrs or rank < 2:
        return None
    if node.op == "attention":
        strides = strides_of(view, (1, 1, 1, 1)) if rank == 4 and k < 3 else None
        if strides is None or (view.shape[3] > 1 and strides[4] != 1):
            return None
        return strides[:4]
    lead = graph.type(node.outputs[0]).shape[:-2]
    if view.index is not None:
        return None
    return strides_of(view.expand((*lead, *view.shape[-2:])), (len(lead), 1, 1))


def row_permutation(view: ViewMap, base_size: int) -> np.ndarray | None:
    """The order p if every row (last axis) of the view is a row of the base in that order.

    Row m of the view is base[m * K + p]. None where it is not so.
    """
    k = view.shape[-1] if view.shape else 1
    if view.size != base_size or k < 2:
        return None
    if view.index is None:
        tail = ViewMap(view.shape[-1:], view.axes[-1:])
        if merged([a for axis in view.axes[:-1] for a in axis]) not in ([], [(base_size // k, k)]):
            return None
        row = tail.indices() + view.offset
    else:
        rows = view.index.reshape(-1, k)
        row = rows[0]
        if not np.array_equal(rows, row + k * np.arange(len(rows))[:, None]):
            return None
    return row if np.array_equal(np.sort(row), np.arange(k)) else None


def is_free(graph: Graph, use: tuple[Node, int] | None, view: ViewMap, base_size: int) -> bool:
    """Whether a use (node, operand; None is a graph output) of a view of a tensor needs no copy."""
    if view.is_identity(base_size):
        return True
    if use is None:
        return False
    node, k = use
    if node.op in READERS and operand_strides(graph, node, k, view) is not None:
        return True
    return node.op == "linear" and k == 0 and row_permutation(view, base_size) is not None
