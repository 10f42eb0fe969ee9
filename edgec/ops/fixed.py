"""Fixed-point arithmetic, exact in numpy: the primitives all integer references share.

They are those of TensorFlow Lite Micro's int8 kernels (gemmlowp), with two
roundings. firmware/kernels/edgec.h has the same primitives in C.
"""

from __future__ import annotations

import math

import numpy as np

I64 = np.int64


def quantize_multiplier(real: float) -> tuple[int, int]:
    """A real factor >= 0 as (mantissa, shift): real = mantissa * 2**(shift - 31).

    The mantissa is in [2**30, 2**31), or 0 where the factor is 0 or below 2**-32.
    """
    if real == 0.0:
        return 0, 0
    fraction, shift = math.frexp(real)
    mantissa = math.floor(fraction * 2**31 + 0.5)
    if mantissa == 2**31:
        mantissa, shift = mantissa // 2, shift + 1
    return (0, 0) if shift < -31 else (mantissa, shift)


def quantize_multipliers(reals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`quantize_multiplier` of every element: (int32 mantissas, int8 shifts)."""
    real = np.ravel(reals).astype(np.float64)
    fraction, shift = np.frexp(real)
    mantissa = np.floor(fraction * 2.0**31 + 0.5)
    mantissa, shift = np.where(mantissa == 2**31, 2**30, mantissa), shift + (mantissa == 2**31)
    some = (real != 0.0) & (shift >= -31)
    return np.where(some, mantissa, 0).astype(np.int32), np.where(some, shift, 0).astype(np.int8)


def multiply_high(a: np.ndarray, mantissa: np.ndarray | int) -> np.ndarray:
    """floor((a * mantissa + 2**30) / 2**31), saturating like SQRDMULH at -2**31 squared."""
    product = np.asarray(a, I64) * np.asarray(mantissa, I64)
    return np.minimum((product + (1 << 30)) >> 31, 2**31 - 1)


def rounding_shift(x: np.ndarray, n: np.ndarray | int) -> np.ndarray:
    """x / 2**n to the nearest integer, ties away from zero."""
    x, n = np.asarray(x, I64), np.asarray(n, I64)
    half = np.where(n > 0, I64(1) << np.maximum(n - 1, 0), 0)
    return np.where(x >= 0, (x + half) >> n, -((-x + half) >> n))


def requantize(acc: np.ndarray, mantissa: np.ndarray | int, shift: np.ndarray | int) -> np.ndarray:
    """acc * mantissa * 2**(shift-31) as TFLM rounds it: the product once, the shift once.

    The left shift of a positive `shift` happens first, in 32 bits.
    """
    shift = np.asarray(shift, I64)
    left = wrap32(np.asarray(acc, I64) << np.maximum(shift, 0))
    return rounding_shift(multiply_high(left, mantissa), np.maximum(-shift, 0))


def wrap32(x: np.ndarray) -> np.ndarray:
    """The low 32 bits as a signed number."""
    return ((np.asarray(x, I64) + 2**31) & 0xFFFFFFFF) - 2**31


def int_matmul(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a @ b of integers, exact as long as no sum exceeds 2**53; runs on BLAS in float64."""
    return np.matmul(a.astype(np.float64), b.astype(np.float64)).astype(I64)


def activation_limits(activation: str, scale: float, zero_point: int, lo: int, hi: int) -> tuple[int, int]:
    """The clamp range in quantized units of a fused activation.

    activation: "", "relu", "relu6" or "relu_n1_to_1". lo, hi: the type's limits.
    The quotient is taken in float32 and rounded half away from zero, as TFLM does.
    """

    def q(real: float) -> int:
        v = np.float32(real) / np.float32(scale)
        return zero_point + int(math.copysign(math.floor(abs(float(v)) + 0.5), float(v)))

    match activation:
        case "":
            return lo, hi
        case "relu":
            return max(lo, q(0.0)), hi
        case "relu6":
            return max(lo, q(0.0)), min(hi, q(6.0))
        case "relu_n1_to_1":
            return max(lo, q(-1.0)), min(hi, q(1.0))
    raise ValueError(f"no such fused activation: {activation}")
