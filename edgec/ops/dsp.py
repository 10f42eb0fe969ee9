"""How linear layers and convolutions hand their weights to the kernels for Arm's DSP extension.

firmware/kernels/ec_dsp_products.h says what the tables hold.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgec.ops.base import Field, i32, table
from edgec.ops.fixed import requantize

_SUM = 1 << 23
"""What sums for the upper output of a pair have to stay below: 256 times them is known modulo 2**32 only."""
_DOUBLED = 1 << 30
"""What every sum has to stay below, bias included, for its double to fit 32 bits."""
_ORDER = (0, 2, 1, 3)
"""The inputs of each four in the order of their halfwords."""


def is_dsp(features: frozenset[str]) -> bool:
    """Whether kernels for the DSP extension are the best there are."""
    return "dsp" in features and "mve" not in features


def padded(inputs: int) -> int:
    """Inputs with what fills them up to whole words."""
    return -(-inputs // 4) * 4


def product_fields(
    weights: np.ndarray,
    bias: np.ndarray,
    multipliers: tuple[np.ndarray, np.ndarray],
    zero: int,
    limits: tuple[int, int],
) -> Mapping[str, Field] | None:
    """The members offset, lo, hi, weights and finish of a kernel's parameters.

    weights: int8 [outputs, inputs]. bias: int32 [outputs], the input's zero point folded in. multipliers: as
    `quantize_multipliers` gives them. None where the arithmetic of these kernels is not exact for such
    numbers: sums too large, factors of 0.5 and above, or weights of -128 beside negative ones.
    """
    most = 128 * np.abs(weights.astype(np.int64)).sum(axis=1)
    finish = finish_table(most, bias, multipliers)
    if finish is None or (most[::2] >= _SUM).any() or (packed := _packed(weights)) is None:
        return None
    finish = np.pad(finish, ((0, len(finish) % 2), (0, 0)))
    return {
        "offset": i32(2 * zero + 1),
        "lo": i32(limits[0]),
        "hi": i32(limits[1]),
        "weights": table(packed, "uint32_t"),
        "finish": table(finish, "int32_t"),
    }


def depthwise_fields(
    weights: np.ndarray,
    bias: np.ndarray,
    multipliers: tuple[np.ndarray, np.ndarray],
    zero: int,
    limits: tuple[int, int],
) -> Mapping[str, Field] | None:
    """The same for depthwise kernels. weights: int8 [kernel_h, kernel_w, channels].

    None, besides, where channels is no multiple of 4.
    """
    taps = weights.reshape(-1, weights.shape[2]).astype(np.int64)
    finish = finish_table(128 * np.abs(taps).sum(axis=0), bias, multipliers)
    if finish is None or len(bias) % 4:
        return None
    fours = taps.T.reshape(len(bias) // 4, 4, len(taps))
    even = fours[:, :, : len(taps) // 2 * 2].reshape(len(fours), 4, -1, 2)
    halves = even.transpose(0, 2, 1, 3).reshape(len(fours), -1)
    if len(taps) % 2:
        halves = np.concatenate([halves, fours[:, _ORDER, -1]], axis=1)
    return {
        "offset": i32(2 * zero + 1),
        "lo": i32(limits[0]),
        "hi": i32(limits[1]),
        "weights": table(np.ascontiguousarray(halves.astype(np.int16)).view(np.uint32), "uint32_t"),
        "finish": table(finish.reshape(-1, 4, 3).transpose(0, 2, 1), "int32_t"),
    }


def finish_table(
    most: np.ndarray, bias: np.ndarray, multipliers: tuple[np.ndarray, np.ndarray]
) -> np.ndarray | None:
    """int32 [outputs, 3]: twice the bias, the mantissa, and the right shift less 1.

    most: what a sum of products is at most, without the bias. None where sums are too large, or factors 0.5
    and above. An output that is its bias whatever the input gets others with the same result.
    """
    mantissa, shift, bias = (
        multipliers[0].astype(np.int64),
        multipliers[1].astype(np.int64),
        bias.astype(np.int64),
    )
    right = np.where(mantissa == 0, 1, -shift)
    result = np.clip(requantize(bias, mantissa, shift), -(1 << 16), 1 << 16)
    fixed = np.stack([8 * result, np.full_like(bias, 1 << 30), np.zeros_like(bias)], axis=1)
    found = np.where((most == 0)[:, None], fixed, np.stack([2 * bias, mantissa, right - 1], axis=1))
    if found[:, 2].min(initial=0) < 0 or (most + np.abs(bias) * (most > 0) >= _DOUBLED).any():
        return None
    return found.astype(np.int32)


def _packed(weights: np.ndarray) -> np.ndarray | None:
    """uint32 [pairs of outputs, fours of inputs, 2]; None where a halfword does not hold its pair."""
    outputs, inputs = weights.shape
    filled = np.pad(weights.astype(np.int64), ((0, outputs % 2), (0, padded(inputs) - inputs)))
    halves = 256 * filled[::2] + filled[1::2]
    if halves.min(initial=0) < -(1 << 15):
        return None
    ordered = halves.reshape(len(halves), -1, 4)[:, :, _ORDER].astype(np.int16)
    return np.ascontiguousarray(ordered).view(np.uint32)
