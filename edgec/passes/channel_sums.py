"""Sums of weighted channels: what ranges they can reach, and what they come to without some channels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgec.ir import Node
from edgec.ops.base import Call, op_of
from edgec.ops.quantized import limits

Range = tuple[np.ndarray, np.ndarray]
"""The smallest and the largest integer of every channel."""


def product_range(node: Node, call: Call, lo: np.ndarray, hi: np.ndarray, same: np.ndarray) -> Range:
    """The results of a product whose operand's channels lie in lo .. hi, equal ones being one."""
    w = summed(call, same)
    up, down = np.maximum(w, 0).sum(axis=1), np.minimum(w, 0).sum(axis=1)
    least, most = _deviation(node, call, lo, hi)
    return _reach(node, call, up @ least + down @ most, up @ most + down @ least)


def depthwise_range(node: Node, call: Call, lo: np.ndarray, hi: np.ndarray) -> Range:
    """The results of a depthwise convolution; lo, hi: of the channel that each output reads."""
    w = call.const(1).astype(np.int64).reshape(-1, lo.size)
    up, down = np.maximum(w, 0).sum(axis=0), np.minimum(w, 0).sum(axis=0)
    least, most = _deviation(node, call, lo, hi)
    return _reach(node, call, up * least + down * most, up * most + down * least)


@dataclass(frozen=True)
class Absorbed:
    """Which channels a product can do without, whichever of them really go.

    folded: they hold one number, `deviation` from the zero point, which can go into the bias. same: the
    first of the channels equal to each. need: [outputs, channels], in how many of the equal channels, the
    first of which this is, int8 weights can come to the sum of theirs.
    """

    folded: np.ndarray
    deviation: np.ndarray
    same: np.ndarray
    need: np.ndarray

    @staticmethod
    def of(node: Node, call: Call, lo: np.ndarray, hi: np.ndarray, same: np.ndarray) -> Absorbed:
        """From the facts of operand 0; `same` says which channels may share their weights' sum."""
        w, deviation = summed(call, same), np.where(lo == hi, lo - call.ins[0].q.z, 0)
        # A tap outside the image is the zero point, so there the bias would have to be another.
        folded = (lo == hi) & ((deviation == 0) | (not _has_border(node, call)))
        least, most = call.ins[0].dtype.limits
        bias = call.const(2).astype(np.int64) if call.has(2) else np.int64(0)
        # However many are folded, a bias stays within 32 bits, and so it does with the zero point folded in.
        large = np.abs(bias) + (most - least) * np.abs(w).sum(axis=(1, 2)) >= 2**31
        folded &= ~w[large].any(axis=(0, 1))[same]
        low, high = _limits(call)
        need = np.maximum(-(-w.max(axis=1) // high), -(-w.min(axis=1) // low))
        return Absorbed(folded, deviation, same, np.where(folded, 0, need))

    def read(self, kept: np.ndarray) -> np.ndarray:
        """The channels that the outputs `kept` cannot do without."""
        need: np.ndarray = self.need[kept].max(axis=0, initial=0)
        return _place(self.same) < need[self.same]

    def without(self, call: Call, gone: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Weights (of all channels still) and int32 biases that make up for the channels gone."""
        w, (low, high) = _weights(call), _limits(call)
        bias = call.const(2).astype(np.int64) if call.has(2) else np.zeros(len(w), np.int64)
        folded = gone & self.folded
        bias = bias + w.sum(axis=1)[:, folded] @ self.deviation[folded]
        for first in np.unique(self.same[gone & ~self.folded]):
            equal = self.same == first
            rest = w[:, :, equal].sum(axis=2)
            for k in np.flatnonzero(equal & ~gone):
                w[:, :, k] = np.clip(rest, low, high)
                rest -= w[:, :, k]
        return w.reshape(call.ins[1].shape).astype(call.ins[1].dtype.numpy), bias.astype(np.int32)


def summed(call: Call, same: np.ndarray) -> np.ndarray:
    """The weights [outputs, taps, channels], those of equal channels added up at the first of them."""
    w = _weights(call)
    for k in np.flatnonzero(same != np.arange(same.size)):
        w[:, :, same[k]] += w[:, :, k]
        w[:, :, k] = 0
    return w


def _place(same: np.ndarray) -> np.ndarray:
    """Of every channel, how many before it are equal to it."""
    order = np.argsort(same, kind="stable")
    place = np.empty_like(order)
    place[order] = np.arange(same.size) - np.searchsorted(same[order], same[order])
    return place


def _limits(call: Call) -> tuple[int, int]:
    """The smallest and the largest weight: -128 only where there are such weights already."""
    return min(int(call.const(1).min(initial=0)), -127), 127


def _weights(call: Call) -> np.ndarray:
    """The weights of a product, int64 [outputs, taps, channels]."""
    shape = call.ins[1].shape
    return call.const(1).astype(np.int64).reshape(shape[0], -1, shape[-1])


def _has_border(node: Node, call: Call) -> bool:
    """Whether some results see fewer taps than others: those outside the image count as 0."""
    return node.op == "conv_transpose2d" or any(call.ints("padding", (0, 0, 0, 0)))


def _deviation(node: Node, call: Call, lo: np.ndarray, hi: np.ndarray) -> Range:
    """How far below and above the zero point taps may be."""
    least, most = lo - call.ins[0].q.z, hi - call.ins[0].q.z
    return (np.minimum(least, 0), np.maximum(most, 0)) if _has_border(node, call) else (least, most)


def _reach(node: Node, call: Call, lo: np.ndarray, hi: np.ndarray) -> Range:
    """The results of sums from lo to hi, the bias not counted: requantizing keeps their order.

    Where a left shift could lose bits of a sum it may not, and all results are possible.
    """
    bias = call.const(2).astype(np.int64) if call.has(2) else np.int64(0)
    factor = np.array(call.ins[1].q.scale) * call.ins[0].q.s / call.outs[0].q.s
    large = np.maximum(np.abs(lo + bias), np.abs(hi + bias)) * np.maximum(1, 2 * factor) >= 2**31
    least, most = limits(call)
    ends = [_finished(node, call, np.where(large, 0, acc + bias)) for acc in (lo, hi)]
    return np.where(large, least, ends[0]), np.where(large, most, ends[1])


def _finished(node: Node, call: Call, acc: np.ndarray) -> np.ndarray:
    """What the op makes of a sum for each output: its own reference, without weights."""
    shape = [1, *call.ins[0].shape[1:]]
    if node.op == "linear":
        shape[:-1] = [1] * (len(shape) - 1)
    x = np.full(shape, call.ins[0].q.z, call.ins[0].dtype.numpy)
    y = op_of(node).integer_reference(call, x, np.zeros_like(call.const(1)), acc)
    assert isinstance(y, np.ndarray)
    return y.reshape(-1, acc.size)[0].astype(np.int64)
