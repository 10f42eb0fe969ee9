"""The integer formats of an attention call: of scores, mask, weights and result."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edgec.ops.attention_reads import heads_of
from edgec.ops.base import Call
from edgec.ops.fixed import I64, int_matmul, quantize_multiplier
from edgec.ops.roots import inverse

EXP2 = np.rint(2.0 ** (15 - np.arange(65) / 64)).astype(np.uint16)
"""Points of 2**(15 - x), x from 0 to 1."""
EXP2_LINES = np.stack([1024 * EXP2[:-1].astype(np.uint32) + 511, EXP2[:-1] - EXP2[1:].astype(np.uint32)], 1)
"""uint32 [64, 2]: a line between two points each, as firmware/kernels/ec_dsp_exp2.h wants it."""
EXCLUDED = -(2**15)
_NEVER = -(2**40)
_HIDDEN = 64.0
"""A key is excluded where its mask is this much below the row's largest (a weight below e**-64)."""


@dataclass(frozen=True)
class Mask:
    """int16 mask of shape [B or 1, H or 1, T or 1, S]; EXCLUDED or a score >> shift."""

    data: np.ndarray

    @property
    def strides(self) -> np.ndarray:
        """int32 strides of batch, head and query, in elements; 0 where it repeats."""
        _, h, t, s = self.data.shape
        sizes = (h * t * s, t * s, s)
        return np.array([0 if n == 1 else k for n, k in zip(self.data.shape, sizes, strict=False)], np.int32)


@dataclass(frozen=True)
class Formats:
    """Constants of the kernel; firmware/kernels/ec_attention_s8.h says what each does."""

    left: int
    factor: int
    fraction: int
    precision: int
    multiplier: int
    shift: int
    mask_shift: int
    masks: tuple[Mask, ...]
    limit: np.ndarray
    """Keys that a query looks at: behind them all are excluded."""

    @staticmethod
    def of(call: Call, dims: tuple[int, ...]) -> Formats:
        """Formats in which no sum exceeds 32 bits. dims: (B,H,T,S,D,Dv)."""
        _, heads, t, s, d, _ = dims
        q, k, v, y = *(x.q for x in call.ins[:3]), call.outs[0].q
        unit = call.float("scale") * q.s * k.s * math.log2(math.e)
        most = d * 255 * 128
        left = 31 - most.bit_length()
        bound = max(abs(unit) * most, 2.0**-40)
        fraction = min(max(28 - math.ceil(math.log2(bound)), 8), 16)
        factor = int(np.clip(round(unit * 2.0 ** (fraction + 32 - left)), -(2**30), 2**30))
        precision = min(14, math.floor(math.log2((2**31 - 1) / (255 * s))))
        multiplier, shift = quantize_multiplier(v.s / y.s)
        if shift < -8:
            multiplier, shift = multiplier >> (-8 - shift), -8
        if shift > precision - 1:
            multiplier, shift = 2**31 - 1, precision - 1
        parts = [_hidden(m) for m in _split(call, dims)]
        limit = np.full(t, s, np.int32)
        for m in parts:
            seen = np.any(np.isfinite(m), axis=(0, 1))
            limit = np.minimum(limit, np.where(seen, np.arange(1, s + 1), 0).max(axis=1)).astype(np.int32)
        stored, mask_shift = _stored(parts, limit, fraction)
        masks = tuple(Mask(heads_of(m.data, call, heads)) for m in stored)
        return Formats(left, factor, fraction, precision, multiplier, shift, mask_shift, masks, limit)

    def scores(self, q: np.ndarray, k: np.ndarray, h: int) -> np.ndarray:
        """Scores [B,T,S] of one head from q [B,T,D], less its zero point, and k [B,S,D]."""
        score = ((int_matmul(q, k.swapaxes(1, 2)) << self.left) * self.factor + (1 << 31)) >> 32
        hidden = np.arange(score.shape[2]) >= self.limit[:, None]
        for mask in self.masks:
            m = mask.data[:, h if mask.data.shape[1] > 1 else 0]
            hidden = hidden | (m == EXCLUDED)
            score = score + (m.astype(I64) << self.mask_shift)
        return np.where(hidden, _NEVER, score)

    def mixed(self, score: np.ndarray, v: np.ndarray, v_zero: int, y_zero: int) -> np.ndarray:
        """The int8 result [B,T,Dv] from scores [B,T,S] and values [B,S,Dv]."""
        u = np.minimum(score.max(axis=2, keepdims=True) - score, -_NEVER)
        u = np.where(score == _NEVER, -_NEVER, u)
        bits, points = self.fraction - 6, EXP2.astype(I64)
        at, rest = (u >> bits) & 63, u & ((1 << bits) - 1)
        line = ((points[at] - points[at + 1]) * rest + ((1 << bits) >> 1)) >> bits
        places = np.minimum((u >> self.fraction) + 15 - self.precision, 40)
        e = np.where(places > 16, 0, (points[at] - line + ((1 << places) >> 1)) >> places)
        total = e.sum(axis=2, keepdims=True)
        acc = int_matmul(e, v) - v_zero * total
        root, shift = inverse(np.maximum(total, 1))
        right = shift - self.shift
        y = (acc * ((self.multiplier * root) >> 31) + (I64(1) << (right - 1))) >> right
        return np.clip(np.where(total == 0, 0, y) + y_zero, -128, 127).astype(np.int8)


def _split(call: Call, dims: tuple[int, ...]) -> list[np.ndarray]:
    """The mask as [B,H,T,S] with axes of one where it repeats, or as two whose sum it is.

    Masks that differ by window and biases that differ by head come added: apart they are small.
    """
    if not call.has(3):
        return []
    m = call.const(3).astype(np.float64)
    m = m.reshape((1,) * (4 - m.ndim) + m.shape)
    m = np.where(m <= -1e4, -np.inf, m)
    m = np.broadcast_to(m, (*m.shape[:3], dims[3]))
    if m.shape[0] > 1 and m.shape[1] > 1:
        bias = m.max(axis=0, keepdims=True)
        with np.errstate(invalid="ignore"):
            window = np.where(np.isinf(bias), 0, m - bias)[:, :1]
            apart = np.isclose(bias + window, m, rtol=0, atol=1e-4)
        if apart.all():
            return [window, bias]
    return [m]


def _hidden(m: np.ndarray) -> np.ndarray:
    """Less the row's largest, which softmax does not see; -inf where a key has no weight."""
    largest = m.max(axis=3, keepdims=True)
    m = m - np.where(np.isfinite(largest), largest, 0)
    return np.where(m < -_HIDDEN, -np.inf, m)


def _stored(parts: list[np.ndarray], limit: np.ndarray, fraction: int) -> tuple[tuple[Mask, ...], int]:
    """int16 masks and their shift; none for a part that only says what the limits say."""
    behind = np.arange(parts[0].shape[3]) >= limit[:, None] if parts else np.zeros(0)
    kept = [m for m in parts if np.any(np.where(behind, 0, m) != 0)]
    low = min((float(m[np.isfinite(m)].min(initial=0)) for m in kept), default=0.0)
    unit = 2.0**fraction * math.log2(math.e)
    shift = max(0, math.ceil(math.log2(max(-low * unit / 32767, 1))))
    masks = []
    for m in kept:
        q = np.rint(np.where(np.isfinite(m), m, 0) * unit / 2**shift)
        masks.append(Mask(np.where(np.isfinite(m), np.maximum(q, -32767), EXCLUDED).astype(np.int16)))
    return tuple(masks), shift
