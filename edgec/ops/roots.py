"""Reciprocal and reciprocal square root in fixed point, exact in numpy.

firmware/kernels/ec_root.h has the same in C. Newton's method from a line that is
right to 1 part in 11 (17 for the inverse); every step squares the error.
"""

from __future__ import annotations

import numpy as np

U64 = np.uint64
_LARGEST = U64(2**31 - 1)


def bit_length(d: np.ndarray) -> np.ndarray:
    """Bits of every element of an uint64 array."""
    high, low = (d >> U64(32)).astype(np.float64), (d & U64(0xFFFFFFFF)).astype(np.float64)
    return np.where(high > 0, 32 + np.frexp(high)[1], np.frexp(low)[1]).astype(np.int64)


def rsqrt(d: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(y, shift) of every integer d >= 1: 1/sqrt(d) = y * 2**-shift, y of 31 bits, right to 2**-28."""
    u = np.asarray(d).astype(U64)
    n = (64 - bit_length(u)) & ~1
    m = (u << n.astype(U64)) >> U64(32)
    y = U64(2289217569) - ((m * U64(1307817542)) >> U64(32))
    for _ in range(4):
        y = (y * (U64(3 * 2**30) - ((m * ((y * y) >> U64(30))) >> U64(32)))) >> U64(31)
    return np.minimum(y, _LARGEST).astype(np.int64), 62 - (n >> 1)


def inverse(d: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(y, shift) of every integer 1 <= d < 2**32: 1/d = y * 2**-shift, y of 31 bits, right to 2**-28."""
    u = np.asarray(d).astype(U64)
    n = 32 - bit_length(u)
    m = u << n.astype(U64)
    y = U64(3031741620) - ((m * U64(2021161080)) >> U64(32))
    for _ in range(3):
        y = (y * (U64(2**31) - ((m * y) >> U64(32)))) >> U64(30)
    return np.minimum(y, _LARGEST).astype(np.int64), 62 - n
