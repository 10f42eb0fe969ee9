"""What can be said of a channel's values for every input: the range they lie in, and equal channels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgec.ir import Graph, Node, TensorType
from edgec.ops.base import Call, call_of, op_of
from edgec.ops.quantized import limits
from edgec.passes.channel_slots import Slots, is_product, slots_of
from edgec.passes.channel_sums import depthwise_range, product_range, summed

_MONOTONE = ("avg_pool2d", "max_pool2d", "pad", "reduce_max", "reshape", "resize_nearest")
"""Ops on one operand whose results never fall where it rises."""


@dataclass(frozen=True)
class Facts:
    """Per channel of a value, int64: the smallest and largest integer, and the first channel equal to it."""

    lo: np.ndarray
    hi: np.ndarray
    same: np.ndarray

    @property
    def fixed(self) -> np.ndarray:
        """Channels that hold one number whatever the input."""
        return self.lo == self.hi

    @staticmethod
    def of(type: TensorType, lo: int | None = None, hi: int | None = None) -> Facts:
        """What the element type, or the range given, says."""
        n, (least, most) = type.shape[-1] if type.shape else 1, type.dtype.limits
        lo, hi = least if lo is None else lo, most if hi is None else hi
        return Facts(np.full(n, lo, np.int64), np.full(n, hi, np.int64), np.arange(n))


def facts_of(graph: Graph) -> dict[str, Facts]:
    """The facts of everything quantized that is computed, in the integers of its own type."""
    found = {v: Facts.of(graph.type(v)) for v in graph.inputs if graph.type(v).quant}
    for node in graph.nodes():
        if is_product(graph, node):
            found[node.outputs[0]] = _product(graph, node, found[node.inputs[0]])
        elif (slots := slots_of(graph, node)) is not None:
            found[node.outputs[0]] = _slotted(graph, node, slots, found)
        else:
            found |= {v: Facts.of(graph.type(v)) for v in node.outputs if graph.type(v).quant}
    return found


def _product(graph: Graph, node: Node, x: Facts) -> Facts:
    call = call_of(graph, node)
    w = summed(call, x.same).reshape(call.ins[1].shape[0], -1)
    lo, hi = product_range(node, call, x.lo, x.hi, x.same)
    return Facts(lo, hi, _equal(lo, hi, [w, *_of_outputs(call, len(w))]))


def _slotted(graph: Graph, node: Node, slots: Slots, found: Mapping[str, Facts]) -> Facts:
    call = call_of(graph, node)
    result = Facts.of(call.outs[0], *limits(call))
    known = [None if c is not None else found[v] for v, c in zip(node.inputs, call.consts, strict=True)]
    fixed, monotone = np.ones(slots.count, bool), node.op in _MONOTONE
    for facts, slot in zip(known, slots.ins, strict=True):
        if facts is not None and slot is None:
            fixed &= facts.fixed.all()
        elif facts is not None and slot is not None:
            np.logical_and.at(fixed, slot, facts.fixed)
    lo, hi = result.lo, result.hi
    if node.op == "depthwise_conv2d" and known[0] is not None:
        lo, hi = depthwise_range(node, call, known[0].lo[slots.out], known[0].hi[slots.out])
    if monotone or fixed.any():
        first = _evaluated(node, call, [None if f is None else f.lo for f in known], lo.size)
        highest = [None if f is None else f.hi for f in known]
        last = _evaluated(node, call, highest, lo.size) if monotone else first
        sure = monotone | fixed[slots.out]
        lo, hi = np.where(sure, first.min(axis=0), lo), np.where(sure, last.max(axis=0), hi)
    return Facts(lo, hi, _equal(lo, hi, _columns(node, call, slots, known)))


def _evaluated(node: Node, call: Call, fills: list[np.ndarray | None], channels: int) -> np.ndarray:
    """The results, [positions, channels], of operands that hold one number in every channel."""
    xs = []
    for type, const, fill in zip(call.ins, call.consts, fills, strict=True):
        filled = const if fill is None else np.broadcast_to(fill.astype(type.dtype.numpy), type.shape)
        assert filled is not None
        xs.append(filled)
    y = op_of(node).integer_reference(call, *xs)
    assert isinstance(y, np.ndarray)
    return y.reshape(-1, channels).astype(np.int64)


def _columns(node: Node, call: Call, slots: Slots, known: list[Facts | None]) -> list[np.ndarray]:
    """What the channels of a result are computed from, a row of numbers each."""
    if node.op == "reshape" and known[0] is not None:
        size, same = slots.out.size, known[0].same
        if size <= same.size:
            return [same.reshape(-1, size).T]
        pixel, channel = np.divmod(np.arange(size), same.size)
        return [pixel[:, None], same[channel, None]]
    columns = []
    for facts, const, slot in zip(known, call.consts, slots.ins, strict=True):
        if slot is None:
            continue
        at = np.arange(slot.size) if facts is None and slot.size == slots.out.size else None
        if at is None:
            where = np.full(slots.count, -1)
            where[slot] = np.arange(slot.size)
            at = where[slots.out]
        table = facts.same[:, None] if facts is not None else np.asarray(const).reshape(-1, slot.size).T
        columns.append(np.where(at[:, None] < 0, np.nan, table[at]))
    scales = _of_outputs(call, slots.out.size) if node.op == "depthwise_conv2d" else []
    return [*columns, *scales]


def _of_outputs(call: Call, count: int) -> list[np.ndarray]:
    """What belongs to each output beside its weights: the bias, and the weights' scale."""
    bias = call.const(2) if call.has(2) else np.zeros(count, np.int32)
    return [bias[:, None], np.broadcast_to(call.ins[1].q.scale, count)[:, None]]


def _equal(lo: np.ndarray, hi: np.ndarray, columns: list[np.ndarray]) -> np.ndarray:
    """For every row of the columns together, the first that is the same; of constants, the first so large."""
    seen: dict[bytes, int] = {}
    fixed = lo == hi
    rows = np.concatenate([c.astype(np.float64) for c in columns], axis=1)  # exact below 2**53
    keys = np.column_stack([np.where(fixed, lo, np.nan), np.where(fixed[:, None], 0, rows)])
    return np.array([seen.setdefault(key.tobytes(), k) for k, key in enumerate(keys)], np.int64)
