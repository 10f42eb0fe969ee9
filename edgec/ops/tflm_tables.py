"""Lookup tables with the exact values of TensorFlow Lite Micro's int8 activation kernels.

Each takes the quantizations and a slope (leaky_relu only) and gives the result for every
input -128..127, as the kernel named computes it. The real functions are those of `BASE`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from edgec.ir import Quant
from edgec.ops import gemmlowp
from edgec.ops.fixed import (
    I64,
    activation_limits,
    quantize_multiplier,
    requantize,
    rounding_shift,
)

INPUTS = np.arange(-128, 128, dtype=I64)


def _q4(x: Quant) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The inputs with four integer bits, and which of them are beyond its range, below and above.

    CalculateInputRadius of quantization_util.cc.
    """
    mantissa, shift = quantize_multiplier(x.s * 2**27)
    radius = math.floor(15 * 2**27 / 2.0**shift)
    v = INPUTS - x.z
    inside = np.clip(v, -radius, radius)
    return requantize(inside, mantissa, shift), v <= -radius, v >= radius


def _saturated(y: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    return np.where(low, -128, np.where(high, 127, np.clip(y, -128, 127)))


def _logistic(x: Quant, y: Quant, _: float) -> np.ndarray:
    """reference_integer_ops::Logistic; the result has scale 1/256, zero point -128."""
    a, low, high = _q4(x)
    return _saturated(rounding_shift(gemmlowp.logistic(a, 4), 23) - 128, low, high)


def _tanh(x: Quant, y: Quant, _: float) -> np.ndarray:
    """reference_integer_ops::Tanh; the result has scale 1/128, zero point 0."""
    a, low, high = _q4(x)
    return _saturated(rounding_shift(gemmlowp.tanh(a, 4), 24), low, high)


def _high16(a: np.ndarray, b: int) -> np.ndarray:
    """gemmlowp's int16 SaturatingRoundingDoublingHighMul."""
    return np.minimum((a * b + (1 << 14)) >> 15, 32767)


def _multiplier16(real: np.float32) -> tuple[int, int]:
    mantissa, shift = quantize_multiplier(float(real))
    return (32767 if mantissa >= 2**31 - 1 - 2**15 else (mantissa + 2**15) >> 16), shift


def _hard_swish(x: Quant, y: Quant, _: float) -> np.ndarray:
    """reference_ops::HardSwish in 16 bits; multipliers are worked out in float32."""
    fine = np.float32(1 / 128) * np.float32(x.s)
    out_multiplier, out_shift = _multiplier16(fine / np.float32(y.s))
    relu_multiplier, relu_shift = _multiplier16(fine / (np.float32(3) / np.float32(32768)))
    v = (INPUTS - x.z) << 7
    scaled = _high16(v, out_multiplier)
    gate = np.clip(v << max(relu_shift - 1, 0), -32768, 32767)
    gate = _high16(gate, relu_multiplier)
    if relu_shift > 0:
        gate = np.clip(gate << 1, -32768, 32767)
    gate = (rounding_shift(gate, max(-relu_shift, 0)) + 32768) >> 1
    product = gate * scaled
    product = np.sign(product) * (np.abs(product) >> 15)  # rounds towards zero
    return np.clip(rounding_shift(product, max(-out_shift, 0)) + y.z, -128, 127)


def _relu(x: Quant, y: Quant, _: float) -> np.ndarray:
    """ReluQuantized of activations_common.cc."""
    lo, hi = activation_limits("relu", y.s, y.z, -128, 127)
    return np.clip(requantize(INPUTS - x.z, *quantize_multiplier(x.s / y.s)) + y.z, lo, hi)


def _relu6(x: Quant, y: Quant, _: float) -> np.ndarray:
    """Relu6Quantized: a clamp, the quantization unchanged."""
    lo, hi = activation_limits("relu6", x.s, x.z, -128, 127)
    return np.clip(INPUTS, lo, hi)


def _leaky_relu(x: Quant, y: Quant, alpha: float) -> np.ndarray:
    """QuantizeLeakyRelu: one multiplier for each side of zero, both worked out in float32."""
    v, xs, ys = INPUTS - x.z, np.float32(x.s), np.float32(y.s)
    positive = requantize(v, *quantize_multiplier(float(xs / ys)))
    slope = float(xs * np.float32(alpha) / ys)
    mantissa, shift = quantize_multiplier(abs(slope))
    negative = requantize(v, -mantissa if slope < 0 else mantissa, shift)
    return np.clip(np.where(v >= 0, positive, negative) + y.z, -128, 127)


TABLES: Mapping[str, Callable[[Quant, Quant, float], np.ndarray]] = {
    "tflm_hard_swish": _hard_swish,
    "tflm_leaky_relu": _leaky_relu,
    "tflm_logistic": _logistic,
    "tflm_relu": _relu,
    "tflm_relu6": _relu6,
    "tflm_tanh": _tanh,
}

BASE: Mapping[str, str] = {
    "tflm_hard_swish": "hard_swish",
    "tflm_leaky_relu": "leaky_relu",
    "tflm_logistic": "sigmoid",
    "tflm_relu": "relu",
    "tflm_relu6": "relu6",
    "tflm_tanh": "tanh",
}
