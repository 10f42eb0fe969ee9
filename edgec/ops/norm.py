"""Integer normalization, what layer_norm and group_norm share; docs/arithmetic.md has the formulas.

firmware/kernels/ec_norm.h has the same in C.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edgec.ir import DType, Quant
from edgec.ops.fixed import I64
from edgec.ops.roots import rsqrt


@dataclass(frozen=True)
class NormParams:
    """Constants of a normalization over `count` values at a time.

    fraction: fraction bits of the normalized value. gamma int16 and beta int32, per
    channel, in units of the output; beta with the zero point and the rounding of the
    last shift. epsilon in units of count**2 * input scale**2.
    """

    count: int
    fraction: int
    shift: int
    gamma: np.ndarray
    beta: np.ndarray
    epsilon: int

    @staticmethod
    def of(count: int, gamma: np.ndarray, beta: np.ndarray, epsilon: float, x: Quant, y: Quant) -> NormParams:
        """Formats that hold every result without overflow of 32 bits and keep 15 bits of gamma."""
        fraction = 28 - math.ceil(math.log2(count) / 2)
        g = gamma.astype(np.float64) / y.s
        b = np.clip(beta.astype(np.float64) / y.s + y.z, -(2.0**24), 2.0**24)
        largest = max(float(np.abs(g).max(initial=0)), 2.0**-40)
        shift = fraction - 2 - math.floor(math.log2(largest))  # gamma in 15 bits
        room = 30 - math.ceil(math.log2(float(np.abs(b).max(initial=0)) + 2))  # beta in 30
        shift = max(min(shift, room, 24), 1)
        g_int = np.clip(np.rint(g * 2.0 ** (shift - fraction + 16)), -32767, 32767)
        b_int = np.rint(b * 2.0**shift) + 2 ** (shift - 1)
        eps = min(round(epsilon * (count / x.s) ** 2), 2**62)
        return NormParams(count, fraction, shift, g_int.astype(np.int16), b_int.astype(np.int32), eps)

    def normalize(self, x: np.ndarray, s1: np.ndarray, power: np.ndarray, y: DType) -> np.ndarray:
        """Integers of type y from x [..., C].

        s1 is count * mean, power count**2 * variance, both over the input's integers and
        of a shape that broadcasts to x's.
        """
        root, places = rsqrt(np.maximum(power + self.epsilon, 1))
        t = x.astype(I64) * self.count - s1
        left = self.fraction + 32 - places
        t = np.where(left >= 0, t << np.maximum(left, 0), t >> np.maximum(-left, 0))
        h = (t * root + (1 << 31)) >> 32
        q = (((h * self.gamma.astype(I64)) >> 16) + self.beta) >> self.shift
        return np.clip(q, *y.limits).astype(y.numpy)


def affine(call_consts: tuple[np.ndarray | None, ...], channels: int) -> tuple[np.ndarray, np.ndarray]:
    """(gamma, beta) from a call's constants 1 and 2; ones and zeros where they are missing."""
    given = [np.asarray(c, np.float64).reshape(-1) if c is not None else None for c in call_consts[1:3]]
    given += [None] * (2 - len(given))
    gamma, beta = given
    return (
        np.ones(channels) if gamma is None else np.broadcast_to(gamma, channels),
        np.zeros(channels) if beta is None else np.broadcast_to(beta, channels),
    )
