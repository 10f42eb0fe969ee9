"""gemmlowp's fixed-point exponential, logistic and tanh, exact in numpy.

TensorFlow Lite Micro's int8 LOGISTIC and TANH use them. A number with n
integer bits is raw / 2**(31 - n); results have none.
"""

from __future__ import annotations

import numpy as np

from edgec.ops.fixed import I64, multiply_high, rounding_shift

ONE = 2**31 - 1
_POWERS = (1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242)
"""exp(-2**k) for k = -2 .. 4."""


def exp_on_negative(a: np.ndarray, integer_bits: int) -> np.ndarray:
    """exp(a) for raw a <= 0 with `integer_bits` (at most 5) integer bits."""
    fraction = 31 - integer_bits
    quarter = 1 << (fraction - 2)
    rest = (a & (quarter - 1)) - quarter  # a mod 1/4, minus 1/4
    x = (rest << integer_bits) + (1 << 28)  # a Taylor polynomial about -1/8
    x2 = multiply_high(x, x)
    x3, x4 = multiply_high(x2, x), multiply_high(x2, x2)
    third = multiply_high(rounding_shift(x4, 2) + x3, 715827883)
    result = 1895147668 + multiply_high(x + rounding_shift(third + x2, 1), 1895147668)
    remainder = rest - a
    for k, power in zip(range(-2, integer_bits), _POWERS, strict=False):
        bit = (remainder >> (fraction + k)) & 1
        result = np.where(bit == 1, multiply_high(result, power), result)
    return np.where(a == 0, ONE, result)


def _reciprocal(a: np.ndarray) -> np.ndarray:
    """2 / (1 + a) for raw a in [0, 1) without integer bits; the result has two."""
    half = (a + ONE + 1) // 2
    x = 1515870810 + multiply_high(half, -1010580540)  # 48/17 - 32/17 * half, then Newton's steps
    for _ in range(3):
        x = x + np.clip(multiply_high(x, (1 << 29) - multiply_high(half, x)) << 2, -(2**31), ONE)
    return x


def _shift_left(x: np.ndarray, n: int) -> np.ndarray:
    return np.clip(x << n, -(2**31), ONE)


def logistic(a: np.ndarray, integer_bits: int) -> np.ndarray:
    """1 / (1 + exp(-a)) for raw a."""
    a = np.asarray(a, I64)
    positive = _shift_left(_reciprocal(exp_on_negative(-np.abs(a), integer_bits)), 1)
    return np.where(a == 0, 1 << 30, np.where(a > 0, positive, ONE - positive))


def tanh(a: np.ndarray, integer_bits: int) -> np.ndarray:
    """tanh(a) for raw a."""
    a = np.asarray(a, I64)
    x = _reciprocal(exp_on_negative(-np.abs(a), integer_bits + 1))  # the same raw number is 2 a
    t = _shift_left(x - (1 << 29), 2)
    return np.where(a == 0, 0, np.where(a > 0, t, -t))


def inverse_sum(total: np.ndarray, integer_bits: int) -> tuple[np.ndarray, np.ndarray]:
    """1 / total for raw total > 0 as (raw r, b): r / 2**31 / 2**b. GetReciprocal of common.h."""
    bits = np.floor(np.log2(np.asarray(total, np.float64))).astype(I64)
    inverse = _shift_left(_reciprocal((total << (31 - bits)) - (1 << 31)), 1)
    return inverse, bits - (31 - integer_bits)
