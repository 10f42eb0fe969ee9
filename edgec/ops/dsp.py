"""How linear layers and convolutions hand their weights to the kernels for Arm's DSP extension.

firmware/kernels/ec_dsp_products.h says what the tables hold.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgec.ops.base import Field, i32, table

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
    mantissa, shift = multipliers
    most = 128 * np.abs(weights.astype(np.int64)).sum(axis=1)
    right = np.where(mantissa == 0, 1, -shift.astype(np.int64))
    if (right < 1).any() or (most + np.abs(bias.astype(np.int64)) >= _DOUBLED).any():
        return None
    if (most[::2] >= _SUM).any() or (packed := _packed(weights)) is None:
        return None
    finish = np.stack([2 * bias.astype(np.int64), mantissa.astype(np.int64), right - 1], axis=1)
    finish = np.pad(finish, ((0, len(finish) % 2), (0, 0)))
    return {
        "offset": i32(2 * zero + 1),
        "lo": i32(limits[0]),
        "hi": i32(limits[1]),
        "weights": table(packed, "uint32_t"),
        "finish": table(finish.astype(np.int32), "int32_t"),
    }


def _packed(weights: np.ndarray) -> np.ndarray | None:
    """uint32 [pairs of outputs, fours of inputs, 2]; None where a halfword does not hold its pair."""
    outputs, inputs = weights.shape
    filled = np.pad(weights.astype(np.int64), ((0, outputs % 2), (0, padded(inputs) - inputs)))
    halves = 256 * filled[::2] + filled[1::2]
    if halves.min(initial=0) < -(1 << 15):
        return None
    ordered = halves.reshape(len(halves), -1, 4)[:, :, _ORDER].astype(np.int16)
    return np.ascontiguousarray(ordered).view(np.uint32)
