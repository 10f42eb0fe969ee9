"""Number formats: ranges to quantization parameters, arrays to integers and back."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edgec.ir import DType, Quant, TensorType

TINY = 1e-12
"""A range below it is nothing but zeros."""


@dataclass(frozen=True)
class Range:
    """The real numbers a tensor's format must hold; always includes 0."""

    lo: float
    hi: float

    @staticmethod
    def of(lo: float, hi: float) -> Range:
        """The range widened to include 0."""
        return Range(min(float(lo), 0.0), max(float(hi), 0.0))

    def union(self, other: Range) -> Range:
        """The smallest range that holds both."""
        return Range(min(self.lo, other.lo), max(self.hi, other.hi))

    @property
    def largest(self) -> float:
        """The largest magnitude."""
        return max(-self.lo, self.hi)


def asymmetric(r: Range, least: float = 0.0) -> Quant:
    """int8 with zero point; the scale is at least `least`, and 0.0 is exact."""
    scale = _scale((r.hi - r.lo) / 255, least)
    zero = math.floor(-128 - r.lo / scale + 0.5)
    return Quant.of(scale, min(127, max(-128, zero)))


def symmetric(largest: float, limit: int, least: float = 0.0) -> Quant:
    """Zero point 0; `limit` is the integer that `largest` becomes."""
    return Quant.of(_scale(largest / limit, least))


def _scale(scale: float, least: float) -> float:
    """A scale that float32 holds exactly, as files and C tables carry it."""
    if scale < TINY:
        scale = max(least, 1 / 255)
    return float(np.float32(max(scale, least)))


def to_integers(x: np.ndarray, type: TensorType) -> np.ndarray:
    """Real numbers as the tensor's integers: to the nearest, ties to even, saturated."""
    q = type.q
    rounded = np.rint(x.astype(np.float64) / _along(q.scale, q.axis, x.ndim)) + _along(
        q.zero_point, q.axis, x.ndim
    )
    lo, hi = type.dtype.limits
    integers: np.ndarray = np.clip(rounded, lo, hi).astype(type.dtype.numpy)
    return integers


def to_reals(x: np.ndarray, type: TensorType) -> np.ndarray:
    """Integers of a quantized tensor as float32; others unchanged but for the type."""
    if type.quant is None or type.dtype == DType.F32:
        return x.astype(np.float32)
    q = type.quant
    real: np.ndarray = (x.astype(np.float64) - _along(q.zero_point, q.axis, x.ndim)) * _along(
        q.scale, q.axis, x.ndim
    )
    return real.astype(np.float32)


def _along(values: tuple[float, ...] | tuple[int, ...], axis: int | None, ndim: int) -> np.ndarray:
    """Per-axis parameters in a shape that broadcasts."""
    a = np.array(values, np.float64)
    if axis is None or len(values) == 1:
        return a.reshape(())
    return a.reshape([-1 if k == axis else 1 for k in range(ndim)])
