"""Elementwise ops: activations, arithmetic with broadcasting, selection."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce as fold
from typing import Any

import numpy as np

from edgec.frontends.builder import MASKED
from edgec.frontends.onnx.builder import (
    Act,
    Attrs,
    Const,
    NumpyBuilder,
    Operand,
    Unsupported,
    constant,
    converts,
    tamed,
)
from edgec.ir import Attr, DType

_UNARY = {
    "Abs": "abs", "Acos": "acos", "Asin": "asin", "Asinh": "asinh", "Atan": "atan", "Ceil": "ceil",
    "Cos": "cos", "Cosh": "cosh", "Erf": "erf", "Exp": "exp", "Floor": "floor", "HardSwish": "hard_swish",
    "Log": "log", "Mish": "mish", "Neg": "neg", "Reciprocal": "reciprocal", "Relu": "relu",
    "Round": "round", "Sigmoid": "sigmoid", "Sign": "sign", "Sin": "sin", "Sinh": "sinh",
    "Softplus": "softplus", "Softsign": "softsign", "Sqrt": "sqrt", "Tan": "tan", "Tanh": "tanh",
}  # fmt: skip
_ALPHA = {"LeakyRelu": ("leaky_relu", 0.01), "Elu": ("elu", 1.0), "Celu": ("celu", 1.0)}
_FLOATS = {1, 10, 11, 16}
"""TensorProto's FLOAT, FLOAT16, DOUBLE, BFLOAT16."""


def pointwise(b: NumpyBuilder, x: Operand, fn: str, **attrs: Attr) -> Any:
    """The op `pointwise`."""
    return b.emit("pointwise", [x], {"fn": fn, **attrs})


def _unary(fn: str) -> Callable[..., Any]:
    return lambda b, a, x: pointwise(b, x, fn)


for _name, _fn in _UNARY.items():
    converts(_name)(_unary(_fn))


def _with_alpha(fn: str, default: float) -> Callable[..., Any]:
    return lambda b, a, x: pointwise(b, x, fn, alpha=float(a.get("alpha", default)))


for _name, (_fn, _default) in _ALPHA.items():
    converts(_name)(_with_alpha(_fn, _default))


@converts("Gelu")
def _gelu(b: NumpyBuilder, a: Attrs, x: Operand) -> Any:
    return pointwise(b, x, "gelu_tanh" if a.get("approximate") == "tanh" else "gelu")


@converts("Swish")
def _swish(b: NumpyBuilder, a: Attrs, x: Operand) -> Any:
    alpha = float(a.get("alpha", 1.0))
    if alpha == 1:
        return pointwise(b, x, "silu")
    return b.emit("mul", [x, pointwise(b, x, "sigmoid", pre_scale=alpha)])


@converts("Selu")
def _selu(b: NumpyBuilder, a: Attrs, x: Operand) -> Any:
    alpha, gamma = float(a.get("alpha", 1.67326319)), float(a.get("gamma", 1.05070102))
    return pointwise(b, x, "elu", alpha=alpha, post_scale=gamma)


@converts("HardSigmoid")
def _hard_sigmoid(b: NumpyBuilder, a: Attrs, x: Operand) -> Any:
    return pointwise(b, x, "hard_sigmoid", alpha=float(a.get("alpha", 0.2)), beta=float(a.get("beta", 0.5)))


@converts("ThresholdedRelu")
def _thresholded(b: NumpyBuilder, a: Attrs, x: Operand) -> Any:
    return pointwise(b, x, "threshold", threshold=float(a.get("alpha", 1.0)), value=0.0)


@converts("Shrink")
def _shrink(b: NumpyBuilder, a: Attrs, x: Operand) -> Any:
    limit, bias = float(a.get("lambd", 0.5)), float(a.get("bias", 0.0))
    if bias == 0:
        return pointwise(b, x, "hard_shrink", threshold=limit)
    if bias == limit:
        return pointwise(b, x, "soft_shrink", threshold=limit)
    raise Unsupported(f"bias {bias} with lambd {limit}")


@converts("PRelu")
def _prelu(b: NumpyBuilder, a: Attrs, x: Operand, slope: Operand) -> Any:
    slopes = constant(slope, "slopes")
    if slopes.size == 1:
        return pointwise(b, x, "leaky_relu", alpha=float(slopes.ravel()[0]))
    full = slopes.reshape((1,) * (len(x.shape) - slopes.ndim) + slopes.shape)
    if full.shape[1:2] != x.shape[1:2] or full.size != x.shape[1]:
        raise Unsupported(f"slopes of shape {list(slopes.shape)}")
    flat = b.tensor(full.ravel(), getattr(slope, "origin", ""))
    if len(x.shape) == 2:
        return b.emit("prelu", [x, flat])
    return b.channels_last(x, len(x.shape) - 2, lambda y: b.emit("prelu", [y, flat]))


@converts("Clip")
def _clip(b: NumpyBuilder, a: Attrs, x: Operand, lo: Any = None, hi: Any = None) -> Any:
    low = -np.inf if lo is None else float(constant(lo, "a bound").ravel()[0])
    high = np.inf if hi is None else float(constant(hi, "a bound").ravel()[0])
    low, high = (-np.inf if low <= -1e38 else low), (np.inf if high >= 1e38 else high)
    if (low, high) == (0, 6):
        return pointwise(b, x, "relu6")
    if high == np.inf:
        if low == -np.inf:
            return x
        return pointwise(b, x, "relu") if low == 0 else b.emit("maximum", [x, b.scalar(low)])
    if low == -np.inf:
        return b.emit("minimum", [x, b.scalar(high)])
    return pointwise(b, x, "clip", lo=low, hi=high)


# -- arithmetic -------------------------------------------------------------


def neutral(x: Operand, y: Operand, value: float) -> bool:
    """Whether y is a constant of nothing but `value` that does not widen x."""
    if not isinstance(x, Act) or not isinstance(y, Const):
        return False
    same = np.broadcast_shapes(x.shape, y.shape) == x.shape
    return same and bool((np.asarray(y.data) == value).all())


@converts("Add")
def add(b: NumpyBuilder, a: Attrs, x: Operand, y: Operand) -> Any:
    """x + y."""
    if neutral(x, y, 0):
        return x
    return y if neutral(y, x, 0) else b.binary("add", x, y)


@converts("Sub")
def _sub(b: NumpyBuilder, a: Attrs, x: Operand, y: Operand) -> Any:
    if isinstance(y, Const):
        return add(b, a, x, b.tensor(-np.asarray(y.data).astype(np.float32), y.origin))
    return b.binary("sub", x, y)


@converts("Mul")
def mul(b: NumpyBuilder, a: Attrs, x: Operand, y: Operand) -> Any:
    """x * y."""
    if neutral(x, y, 1):
        return x
    return y if neutral(y, x, 1) else b.emit("mul", [x, y])


@converts("Div")
def _div(b: NumpyBuilder, a: Attrs, x: Operand, y: Operand) -> Any:
    if isinstance(y, Const):
        with np.errstate(divide="ignore"):
            return mul(b, a, x, b.tensor(1 / np.asarray(y.data, np.float64), y.origin))
    if isinstance(x, Const):
        return mul(b, a, pointwise(b, y, "reciprocal"), x)
    return b.emit("div", [x, y])


@converts("Pow")
def _pow(b: NumpyBuilder, a: Attrs, x: Operand, y: Operand) -> Any:
    if isinstance(x, Const):
        base = np.unique(np.asarray(x.data))
        if len(base) != 1 or base[0] <= 0 or np.broadcast_shapes(x.shape, y.shape) != y.shape:
            raise Unsupported("a power of several numbers, or of one below zero")
        return pointwise(b, y, "exp", pre_scale=float(np.log(base[0])))
    exponent = np.unique(constant(y, "an exponent"))
    if len(exponent) != 1 or np.broadcast_shapes(x.shape, y.shape) != x.shape:
        raise Unsupported("several exponents")
    match float(exponent[0]):
        case 1.0:
            return x
        case 2.0:
            return b.emit("mul", [x, x])
        case 0.5:
            return pointwise(b, x, "sqrt")
        case -0.5:
            return pointwise(b, x, "rsqrt")
        case -1.0:
            return pointwise(b, x, "reciprocal")
        case n:
            return pointwise(b, x, "power", exponent=n)


@converts("Max")
def _max(b: NumpyBuilder, a: Attrs, *xs: Operand) -> Any:
    return fold(lambda x, y: b.binary("maximum", x, y), _activations_first(xs))


@converts("Min")
def _min(b: NumpyBuilder, a: Attrs, *xs: Operand) -> Any:
    return fold(lambda x, y: b.binary("minimum", x, y), _activations_first(xs))


@converts("Sum")
def _sum(b: NumpyBuilder, a: Attrs, *xs: Operand) -> Any:
    return fold(lambda x, y: add(b, a, x, y), _activations_first(xs))


@converts("Mean")
def _mean(b: NumpyBuilder, a: Attrs, *xs: Operand) -> Any:
    return mul(b, a, _sum(b, a, *xs), b.scalar(1 / len(xs)))


def _activations_first(xs: tuple[Operand, ...]) -> list[Operand]:
    return sorted(xs, key=lambda x: isinstance(x, Const))


# -- truth values, as 0 and 1 -----------------------------------------------


@converts("Greater", "GreaterOrEqual")
def _greater(b: NumpyBuilder, a: Attrs, x: Operand, y: Operand) -> Any:
    """1 where x > y, else 0. Equal numbers count as either: rounding decides on the device anyway."""
    difference = _sub(b, a, x, y)
    return pointwise(b, pointwise(b, difference, "sign"), "relu")


@converts("Less", "LessOrEqual")
def _less(b: NumpyBuilder, a: Attrs, x: Operand, y: Operand) -> Any:
    return _greater(b, a, y, x)


@converts("Not")
def _not(b: NumpyBuilder, a: Attrs, x: Operand) -> Any:
    return _sub(b, a, b.scalar(1), x)


@converts("And")
def _and(b: NumpyBuilder, a: Attrs, x: Operand, y: Operand) -> Any:
    return b.emit("mul", [x, y])


@converts("Or")
def _or(b: NumpyBuilder, a: Attrs, x: Operand, y: Operand) -> Any:
    return b.emit("maximum", [x, y])


@converts("Where")
def _where(b: NumpyBuilder, a: Attrs, condition: Any, x: Operand, y: Operand) -> Any:
    if isinstance(condition, Act):
        return add(b, a, mul(b, a, condition, x), mul(b, a, _not(b, a, condition), y))
    mask = constant(condition, "a condition").astype(bool)
    shape = np.broadcast_shapes(mask.shape, x.shape, y.shape)
    if mask.all() or not mask.any():
        return b.expand(x if mask.all() else y, shape)
    if isinstance(x, Act) and isinstance(y, Act):
        kept = b.emit("mul", [x, b.tensor(mask.astype(np.float32), "mask")])
        return b.emit("add", [kept, b.emit("mul", [y, b.tensor((~mask).astype(np.float32), "mask")])])
    if isinstance(x, Act):
        mask, x, y = ~mask, y, x
    values = constant(x, "a value")
    fill = b.tensor(np.where(mask, values, 0).astype(np.float32), "fill")
    if (values <= MASKED).all():  # as good as minus infinity: what it is added to is lost in it
        return b.emit("add", [y, tamed(b, fill)])
    kept = b.emit("mul", [y, b.tensor((~mask).astype(np.float32), "mask")])
    return b.emit("add", [kept, fill])


# -- nothing to compute -----------------------------------------------------


@converts("Identity", "Dropout")
def _identity(b: NumpyBuilder, a: Attrs, x: Operand, *rest: Any) -> Any:
    if len(rest) > 1 and rest[1] is not None and bool(constant(rest[1], "training_mode").any()):
        raise Unsupported("the model was exported in training mode")
    return [x, None]


@converts("Cast")
def _cast(b: NumpyBuilder, a: Attrs, x: Act) -> Any:
    if a["to"] not in _FLOATS and not (x.dtype != DType.F32 and a["to"] in (6, 7)):
        raise Unsupported("a cast to integers or truth values")
    if x.dtype != DType.F32 and a["to"] in _FLOATS:
        raise Unsupported(f"a cast of {x.dtype} to float")
    return x


@converts("CastLike")
def _cast_like(b: NumpyBuilder, a: Attrs, x: Act, like: Any) -> Any:
    if isinstance(like, Const) and np.asarray(like.data).dtype.kind != "f":
        raise Unsupported("a cast to integers or truth values")
    return x
