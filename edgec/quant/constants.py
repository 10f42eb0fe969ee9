"""Constants as integers: weights, biases, and operands of elementwise ops."""

from __future__ import annotations

import numpy as np

from edgec.ir import DType, Quant
from edgec.quant.formats import TINY, Range, asymmetric, symmetric

_ACC = 2**30
"""Accumulators and biases stay below it, half of what 32 bits hold."""
_DEAD = 2.0**-8
"""The multiplier a channel without weights gets: any in the safe middle will do."""

Stored = tuple[np.ndarray, Quant]


def per_channel(
    w: np.ndarray, axis: int, bias: np.ndarray | None, scale_in: float, scale_out: float, zero_in: int
) -> Stored:
    """int8 symmetric weights, a scale per index of `axis`.

    A channel's scale grows where its bias (at scale_in * weight scale) or its largest
    possible sum would not fit the accumulator.
    """
    rows = np.moveaxis(w.astype(np.float64), axis, 0).reshape(w.shape[axis], -1)
    scale = np.abs(rows).max(axis=1, initial=0.0) / 127
    dead = scale < TINY
    scale[dead] = scale_out / scale_in * _DEAD
    farthest = max(127 - zero_in, zero_in + 128)
    worst = np.abs(rows).sum(axis=1) * farthest
    if bias is not None:
        worst = worst + np.abs(bias.astype(np.float64)) / scale_in
    scale = np.maximum(scale, worst / _ACC)
    scale = scale.astype(np.float32).astype(np.float64)
    q = np.clip(np.rint(rows / scale[:, None]), -127, 127).astype(np.int8)
    shape = (w.shape[axis], *(n for k, n in enumerate(w.shape) if k != axis))
    data = np.ascontiguousarray(np.moveaxis(q.reshape(shape), 0, axis))
    return data, Quant(tuple(scale.tolist()), (0,) * len(scale), axis)


def per_tensor(w: np.ndarray) -> Stored:
    """int8 symmetric, one scale."""
    q = symmetric(float(np.abs(w).max(initial=0.0)), 127)
    return np.clip(np.rint(w / q.s), -127, 127).astype(np.int8), q


def as_activation(x: np.ndarray, bounds: Range | None = None) -> Stored:
    """int8 asymmetric, one scale. Values beyond `bounds`, infinity included, become the bound."""
    if bounds is not None:
        x = np.clip(x, bounds.lo, bounds.hi)
    finite = x[np.isfinite(x)]
    q = asymmetric(Range.of(finite.min(initial=0.0), finite.max(initial=0.0)))
    return np.clip(np.rint(np.nan_to_num(x / q.s)) + q.z, -128, 127).astype(np.int8), q


def bias(b: np.ndarray, scale_in: float, weights: Quant) -> Stored:
    """int32 at scale input x weight, per channel."""
    scale = scale_in * np.array(weights.scale, np.float64)
    q = np.clip(np.rint(b.astype(np.float64) / scale), -_ACC, _ACC).astype(np.int32)
    axis = None if len(scale) == 1 else 0
    return q, Quant(tuple(scale.tolist()), (0,) * len(scale), axis)


def from_parameters(w: np.ndarray, q: Quant, dtype: DType = DType.I8) -> np.ndarray:
    """The integers of a constant whose parameters the model file states."""
    scale = np.array(q.scale)
    if q.axis is not None:
        scale = scale.reshape([-1 if k == q.axis else 1 for k in range(w.ndim)])
    integers: np.ndarray = np.clip(np.rint(w / scale), *dtype.limits).astype(dtype.numpy)
    return integers
