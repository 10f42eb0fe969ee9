"""The kernels for Helium (MVE, Armv8.1-M's vectors) of the ops that end in requantized sums of products.

Each function returns None where the call has to do with another kernel: their requantization shifts right
only, and takes no group of channels by itself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from edgec.ir import DType
from edgec.ops.base import Call
from edgec.ops.kernel import Field, Kernel, i32, table
from edgec.ops.quantized import channel_fields, folded_bias, limits, window_fields
from edgec.ops.windows2d import Window2d

FEATURE = "mve"

_FEW = 16
"""Rows, or taps, whose addresses the kernels with windows keep on their stacks."""

Multipliers = tuple[np.ndarray, np.ndarray]
"""Mantissas (int32) and shifts (int8) per output channel."""


def linear(call: Call, multipliers: Multipliers) -> Kernel | None:
    """ec_linear_mve."""
    x, w = call.ins[0], call.ins[1]
    if not _fits(call, multipliers[1]):
        return None
    k = w.shape[1]
    vectors = x.row_size // k
    return Kernel(
        "ec_linear_mve",
        {
            "inputs": i32(k),
            "outputs": i32(w.shape[0]),
            "vectors": i32(vectors),
            "wide": i32(call.outs[0].dtype == DType.I16),
            **_limits(call),
            "weights": table(call.const(1), "int8_t"),
            "ends": table(_blocks(_ends(call, _sums(call, 1), multipliers), 4), "int32_t"),
        },
        copies=k * min(vectors, 2),
        feature=FEATURE,
        block=2 if vectors == 1 else 1,
    )


def conv2d(call: Call, window: Window2d, multipliers: Multipliers) -> Kernel | None:
    """ec_conv2d_s8_mve, for one group."""
    w = call.ins[1]
    if not _fits(call, multipliers[1]) or call.int("groups", 1) != 1:
        return None
    direct, taps = window.lies_in_rows(call), math.prod(w.shape[1:])
    pixels = min(call.outs[0].shape[2], 2)
    rows = window.kernel[0] if window.kernel[0] > _FEW else 0
    return Kernel(
        "ec_conv2d_s8_mve",
        {
            **channel_fields(call, window),
            "direct": i32(direct),
            "input_zero": i32(call.ins[0].q.z),
            **_limits(call),
            "weights": table(call.const(1), "int8_t"),
            "ends": table(_blocks(_ends(call, _sums(call, 1, 2, 3), multipliers), 4), "int32_t"),
        },
        scratch=0 if direct else -(-2 * taps // 8) * 8 + 8 * rows if rows else taps * pixels,
        copies=taps * pixels if direct else 0,
        feature=FEATURE,
    )


_LANES = 8
"""Channels that the depthwise kernel computes side by side,"""
_HALVES = np.array([0, 2, 4, 6, 1, 3, 5, 7])
"""and the order in which their sums lie."""


def depthwise_conv2d(call: Call, window: Window2d, multipliers: Multipliers) -> Kernel | None:
    """ec_depthwise_conv2d_s8_mve, for one output channel per input channel.

    It adds products of two taps in 16 bits: no two weights there may reach 256 together.
    """
    weights, channels = call.const(1), call.ins[0].shape[3]
    kh, kw, outputs = weights.shape
    taps = weights.reshape(kh * kw, outputs)
    pairs = np.abs(taps[: kh * kw // 2 * 2].astype(np.int64)).reshape(-1, 2, outputs).sum(axis=1)
    if not _fits(call, multipliers[1]) or outputs != channels or pairs.max(initial=0) > 255:
        return None
    ends = _blocks(_ends(call, _sums(call, 0, 1), multipliers), _LANES)[:, :, _HALVES]
    return Kernel(
        "ec_depthwise_conv2d_s8_mve",
        {
            **window_fields(call, window),
            "input_zero": i32(call.ins[0].q.z),
            **_limits(call),
            "weights": table(_blocks(taps, _LANES), "int8_t"),
            "ends": table(np.ascontiguousarray(ends), "int32_t"),
        },
        scratch=-(-channels // 8) * 8 + (8 * kh * (kw + 1) if kh * kw > _FEW else 0),
        feature=FEATURE,
    )


def add(call: Call, left_shift: int, multipliers: Sequence[tuple[int, int]]) -> Kernel | None:
    """ec_add_mve, for two operands of the result's shape. multipliers: of a, b and the result."""
    y = call.outs[0]
    halves = [m == (2**30, 0) for m in multipliers[:2]]
    same = all(t.shape == y.shape for t in call.ins)
    if FEATURE not in call.features or not same or not any(halves) or multipliers[2][1] >= 0:
        return None
    exact = halves.index(True)
    mantissa, shift = multipliers[1 - exact]
    fields = {"row_size": i32(y.row_size), "exact": i32(exact), "left_shift": i32(left_shift)}
    every = dict(zip("aby", (*call.ins, y), strict=True))
    fields |= {f"{name}_wide": i32(t.dtype == DType.I16) for name, t in every.items()}
    fields |= {f"{name}_zero": i32(t.q.z) for name, t in every.items()}
    lo, hi = limits(call)
    fields |= {"lo": i32(lo), "hi": i32(hi), "multiplier": i32(mantissa), "shift": i32(shift)}
    fields |= {"y_multiplier": i32(multipliers[2][0]), "y_shift": i32(multipliers[2][1])}
    for name, data in zip("ab", call.consts, strict=True):
        for kind in ("s8", "s16"):
            found = data is not None and data.dtype.itemsize * 8 == int(kind[1:])
            fields[f"{name}_{kind}"] = table(data if found else None, f"int{kind[1:]}_t")
    return Kernel("ec_add_mve", fields, feature=FEATURE)


def _fits(call: Call, shift: np.ndarray) -> bool:
    return FEATURE in call.features and bool(np.all(shift <= 0))


def _sums(call: Call, *axes: int) -> np.ndarray:
    """Every output's weights added up."""
    sums: np.ndarray = call.const(1).astype(np.int64).sum(axis=axes)
    return sums


def _limits(call: Call) -> dict[str, Field]:
    lo, hi = limits(call)
    return {"output_zero": i32(call.outs[0].q.z), "lo": i32(lo), "hi": i32(hi)}


def _ends(call: Call, weight_sums: np.ndarray, multipliers: Multipliers) -> np.ndarray:
    """Biases, multipliers and shifts, int32 [3, outputs]."""
    bias = folded_bias(call, weight_sums)
    return np.stack([np.asarray(v, np.int32) for v in (bias, *multipliers)])


def _blocks(x: np.ndarray, size: int) -> np.ndarray:
    """[..., outputs] as [blocks, ..., size], padded with zeros."""
    padded = np.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, -x.shape[-1] % size)])
    parts = padded.reshape(*x.shape[:-1], -1, size)
    return np.ascontiguousarray(np.moveaxis(parts, -2, 0))
