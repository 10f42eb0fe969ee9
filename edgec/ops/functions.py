"""Real functions of one variable by name, in float64: what `pointwise` can compute."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

Params = Mapping[str, float]


@dataclass(frozen=True)
class Function:
    """A real function: `of` maps float64 values; `defaults` names its parameters.

    A parameter with the default NaN must be given. Outside its domain the
    function gives NaN, at a pole an infinity.
    """

    of: Callable[[np.ndarray, Params], np.ndarray]
    defaults: Params = field(default_factory=dict)


_STEP = 1 / 64
_GRID = np.arange(0, 6 + _STEP, _STEP)
_ERF = np.array([math.erf(g) for g in _GRID])


def erf(x: np.ndarray) -> np.ndarray:
    """The error function to about 1e-13: a Taylor polynomial about the nearest point of a grid."""
    a = np.minimum(np.abs(x), 6.0)
    k = np.rint(a / _STEP).astype(np.int64)
    g = _GRID[k]
    h = a - g
    slope = 2 / math.sqrt(math.pi) * np.exp(-g * g)
    poly = 1 + h * (-g + h * ((2 * g**2 - 1) / 3 + h * ((3 * g - 2 * g**3) / 6)))
    poly = poly + h**4 * (4 * g**4 - 12 * g**2 + 3) / 30
    return np.copysign(_ERF[k] + slope * h * poly, x)


def sigmoid(x: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x)) without overflow."""
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1.0, e) / (1 + e)


def softplus(x: np.ndarray) -> np.ndarray:
    """log(1 + exp(x)) without overflow."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def elu(x: np.ndarray, alpha: float) -> np.ndarray:
    """x, or alpha * (exp(x) - 1) below zero."""
    return np.where(x >= 0, x, alpha * np.expm1(np.minimum(x, 0)))


def _gelu_tanh(x: np.ndarray) -> np.ndarray:
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def _plain(of: Callable[[np.ndarray], np.ndarray]) -> Function:
    return Function(lambda x, _: of(x))


_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772, 1.0507009873554805
_GIVEN = math.nan

FUNCTIONS: Mapping[str, Function] = {
    "abs": _plain(np.abs),
    "acos": _plain(np.arccos),
    "asin": _plain(np.arcsin),
    "asinh": _plain(np.arcsinh),
    "atan": _plain(np.arctan),
    "ceil": _plain(np.ceil),
    "celu": Function(lambda x, p: np.where(x >= 0, x, p["alpha"] * np.expm1(x / p["alpha"])), {"alpha": 1.0}),
    "clip": Function(lambda x, p: np.clip(x, p["lo"], p["hi"]), {"lo": -math.inf, "hi": math.inf}),
    "cos": _plain(np.cos),
    "cosh": _plain(np.cosh),
    "elu": Function(lambda x, p: elu(x, p["alpha"]), {"alpha": 1.0}),
    "erf": _plain(erf),
    "exp": _plain(np.exp),
    "exp2": _plain(np.exp2),
    "expm1": _plain(np.expm1),
    "floor": _plain(np.floor),
    "gelu": _plain(lambda x: 0.5 * x * (1 + erf(x / math.sqrt(2)))),
    "gelu_quick": _plain(lambda x: x * sigmoid(1.702 * x)),
    "gelu_tanh": _plain(_gelu_tanh),
    "hard_shrink": Function(lambda x, p: np.where(np.abs(x) > p["threshold"], x, 0.0), {"threshold": 0.5}),
    "hard_sigmoid": Function(
        lambda x, p: np.clip(p["alpha"] * x + p["beta"], 0, 1), {"alpha": 1 / 6, "beta": 0.5}
    ),
    "hard_swish": _plain(lambda x: x * np.clip(x + 3, 0, 6) / 6),
    "identity": _plain(lambda x: x),
    "leaky_relu": Function(lambda x, p: np.where(x >= 0, x, p["alpha"] * x), {"alpha": 0.01}),
    "log": _plain(np.log),
    "log10": _plain(np.log10),
    "log1p": _plain(np.log1p),
    "log2": _plain(np.log2),
    "log_sigmoid": _plain(lambda x: -softplus(-x)),
    "mish": _plain(lambda x: x * np.tanh(softplus(x))),
    "neg": _plain(np.negative),
    "power": Function(lambda x, p: np.power(x, p["exponent"]), {"exponent": _GIVEN}),
    "reciprocal": _plain(lambda x: 1 / x),
    "relu": _plain(lambda x: np.maximum(x, 0)),
    "relu6": _plain(lambda x: np.clip(x, 0, 6)),
    "round": _plain(np.rint),
    "rsqrt": _plain(lambda x: 1 / np.sqrt(x)),
    "selu": _plain(lambda x: _SELU_SCALE * elu(x, _SELU_ALPHA)),
    "sigmoid": _plain(sigmoid),
    "sign": _plain(np.sign),
    "silu": _plain(lambda x: x * sigmoid(x)),
    "sin": _plain(np.sin),
    "sinh": _plain(np.sinh),
    "soft_shrink": Function(
        lambda x, p: np.sign(x) * np.maximum(np.abs(x) - p["threshold"], 0), {"threshold": 0.5}
    ),
    "softplus": Function(lambda x, p: softplus(p["beta"] * x) / p["beta"], {"beta": 1.0}),
    "softsign": _plain(lambda x: x / (1 + np.abs(x))),
    "sqrt": _plain(np.sqrt),
    "square": _plain(np.square),
    "tan": _plain(np.tan),
    "tanh": _plain(np.tanh),
    "tanh_shrink": _plain(lambda x: x - np.tanh(x)),
    "threshold": Function(
        lambda x, p: np.where(x > p["threshold"], x, p["value"]), {"threshold": _GIVEN, "value": 0.0}
    ),
    "trunc": _plain(np.trunc),
}


def evaluate(fn: str, x: np.ndarray, params: Params) -> np.ndarray:
    """The function `fn` of float64 values; parameters not given have their defaults."""
    f = FUNCTIONS[fn]
    with np.errstate(all="ignore"):
        return f.of(np.asarray(x, np.float64), {**f.defaults, **params})
