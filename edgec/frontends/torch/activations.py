"""Elementwise ops: activations, arithmetic with broadcasting, masks."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from edgec.frontends.torch.builder import MASKED, Act, Builder, Const, Converter, Operand, Unsupported, lowers
from edgec.ir import Attr, DType

# -- unary ------------------------------------------------------------------

_UNARY = {
    "exp": "exp", "log": "log", "sqrt": "sqrt", "rsqrt": "rsqrt", "abs": "abs", "neg": "neg",
    "erf": "erf", "sin": "sin", "cos": "cos", "tanh": "tanh", "sigmoid": "sigmoid", "relu": "relu",
    "relu6": "relu6", "silu": "silu", "hardswish": "hard_swish", "hardsigmoid": "hard_sigmoid",
    "mish": "mish", "reciprocal": "reciprocal", "round": "round", "floor": "floor", "ceil": "ceil",
    "sign": "sign", "trunc": "trunc", "square": "square", "selu": "selu", "log_sigmoid": "log_sigmoid",
    "log2": "log2", "log10": "log10", "log1p": "log1p", "expm1": "expm1", "exp2": "exp2",
    "tan": "tan", "asin": "asin", "acos": "acos", "atan": "atan", "sinh": "sinh", "cosh": "cosh",
    "asinh": "asinh",
}  # fmt: skip


def pointwise(b: Builder, x: Operand, fn: str, **attrs: Attr) -> Any:
    """The op `pointwise`."""
    return b.emit("pointwise", [x], {"fn": fn, **attrs})


def scaled(b: Builder, x: Operand, factor: float) -> Any:
    """x times a number."""
    return x if factor == 1 else b.emit("mul", [x, b.scalar(factor)])


def _unary(fn: str) -> Converter:
    return lambda b, x: pointwise(b, x, fn)


for _aten, _fn in _UNARY.items():
    lowers(_aten)(_unary(_fn))


@lowers("gelu")
def _gelu(b: Builder, x: Operand, approximate: str) -> Any:
    return pointwise(b, x, "gelu_tanh" if approximate == "tanh" else "gelu")


@lowers("leaky_relu")
def _leaky_relu(b: Builder, x: Operand, slope: float) -> Any:
    return pointwise(b, x, "leaky_relu", alpha=float(slope))


@lowers("elu")
def _elu(b: Builder, x: Operand, alpha: float, scale: float, input_scale: float) -> Any:
    if scale == 1 and input_scale == 1:
        return pointwise(b, x, "elu", alpha=float(alpha))
    if input_scale == 1:
        return scaled(b, pointwise(b, x, "elu", alpha=float(alpha)), scale)
    if math.isclose(alpha * scale * input_scale, scale):  # how torch decomposes celu
        return scaled(b, pointwise(b, x, "celu", alpha=1 / input_scale), scale)
    raise Unsupported(f"alpha {alpha}, scale {scale}, input_scale {input_scale}")


@lowers("celu")
def _celu(b: Builder, x: Operand, alpha: float) -> Any:
    return pointwise(b, x, "celu", alpha=float(alpha))


@lowers("softplus")
def _softplus(b: Builder, x: Operand, beta: float, threshold: float) -> Any:
    return pointwise(b, x, "softplus", beta=float(beta))


@lowers("softshrink")
def _softshrink(b: Builder, x: Operand, limit: float) -> Any:
    return pointwise(b, x, "soft_shrink", threshold=float(limit))


@lowers("hardshrink")
def _hardshrink(b: Builder, x: Operand, limit: float) -> Any:
    return pointwise(b, x, "hard_shrink", threshold=float(limit))


@lowers("threshold")
def _threshold(b: Builder, x: Operand, threshold: float, value: float) -> Any:
    return pointwise(b, x, "threshold", threshold=float(threshold), value=float(value))


@lowers("prelu", "_prelu_kernel")
def _prelu(b: Builder, x: Operand, alpha: Operand) -> Any:
    if not isinstance(alpha, Const):
        raise Unsupported("slopes that are computed at run time")
    flat = alpha.data.flatten()
    if flat.numel() == 1:
        return pointwise(b, x, "leaky_relu", alpha=float(flat))
    slopes = Const(flat, alpha.origin)
    if len(x.shape) == 2:
        return b.emit("prelu", [x, slopes])
    return b.channels_last(x, len(x.shape) - 2, lambda y: b.emit("prelu", [y, slopes]))


@lowers("rrelu_with_noise_functional", "rrelu_with_noise")
def _rrelu(b: Builder, x: Operand, noise: Any, lower: float, upper: float, *rest: Any) -> Any:
    return [_leaky_relu(b, x, (lower + upper) / 2), None]


@lowers("clamp", "hardtanh", "clamp_min", "clamp_max")
def _clamp(b: Builder, x: Operand, lo: float | None = None, hi: float | None = None) -> Any:
    if lo is not None and hi is not None:
        if lo == 0 and hi == 6:
            return pointwise(b, x, "relu6")
        return pointwise(b, x, "clip", lo=float(lo), hi=float(hi))
    if lo is not None:
        return pointwise(b, x, "relu") if lo == 0 else b.emit("maximum", [x, b.scalar(lo)])
    return x if hi is None else b.emit("minimum", [x, b.scalar(hi)])


@lowers("clamp.Tensor")
def _clamp_tensor(b: Builder, x: Operand, lo: Operand | None, hi: Operand | None) -> Any:
    x = x if lo is None else b.emit("maximum", [x, lo])
    return x if hi is None else b.emit("minimum", [x, hi])


@lowers("pow.Tensor_Scalar")
def _pow(b: Builder, x: Operand, exponent: float) -> Any:
    match exponent:
        case 1:
            return x
        case 2:
            return b.emit("mul", [x, x])
        case 0.5:
            return pointwise(b, x, "sqrt")
        case -0.5:
            return pointwise(b, x, "rsqrt")
        case -1:
            return pointwise(b, x, "reciprocal")
    return pointwise(b, x, "power", exponent=float(exponent))


@lowers("pow.Scalar")
def _pow_of_number(b: Builder, base: float, x: Operand) -> Any:
    if base <= 0:
        raise Unsupported(f"a power of {base}")
    return pointwise(b, x, "exp", pre_scale=math.log(base))


@lowers("pow.Tensor_Tensor")
def _pow_tensor(b: Builder, x: Operand, exponent: Operand) -> Any:
    if isinstance(exponent, Const) and bool((exponent.data == exponent.data.flatten()[0]).all()):
        return b.expand(_pow(b, x, float(exponent.data.flatten()[0])), _broadcast(x, exponent))
    raise Unsupported("a power with two tensors")


# -- binary -----------------------------------------------------------------


def _operand(b: Builder, x: Any) -> Operand:
    return x if isinstance(x, Act | Const) else b.scalar(float(x))


def tamed(x: Operand) -> Operand:
    """A mask with its huge negative values made finite and small."""
    if not isinstance(x, Const) or not x.data.is_floating_point() or not bool((x.data < -1e8).any()):
        return x
    return Const(x.data.masked_fill(x.data < -1e8, MASKED), x.origin)


@lowers("add.Tensor", "add.Scalar")
def _add(b: Builder, x: Any, y: Any, alpha: float) -> Any:
    y = _operand(b, y)
    if alpha != 1:
        y = Const(y.data * alpha, y.origin) if isinstance(y, Const) else scaled(b, y, alpha)
    return _no_op(x, y, 0) or b.emit("add", [tamed(_operand(b, x)), tamed(y)])


@lowers("sub.Tensor", "sub.Scalar")
def _sub(b: Builder, x: Any, y: Any, alpha: float) -> Any:
    y = _operand(b, y)
    if isinstance(y, Const):
        return _add(b, x, Const(-y.data.float(), y.origin), alpha)
    return b.emit("sub", [_operand(b, x), scaled(b, y, alpha)])


def shifted(b: Builder, x: Operand, y: Any, sign: int) -> Any:
    """x + sign * y, where y may be a number."""
    return _add(b, x, y, 1) if sign > 0 else _sub(b, x, y, 1)


def negated(b: Builder, x: Operand) -> Any:
    """1 - x, of zeros and ones."""
    return _sub(b, 1.0, x, 1)


@lowers("rsub.Scalar", "rsub.Tensor")
def _rsub(b: Builder, x: Any, y: Any, alpha: float) -> Any:
    return _sub(b, y, x, alpha)


@lowers("mul.Tensor", "mul.Scalar")
def _mul(b: Builder, x: Any, y: Any) -> Any:
    x, y = _operand(b, x), _operand(b, y)
    return _no_op(x, y, 1) or _no_op(y, x, 1) or b.emit("mul", [x, y])


@lowers("div.Tensor", "div.Scalar")
def _div(b: Builder, x: Any, y: Any) -> Any:
    x, y = _operand(b, x), _operand(b, y)
    if isinstance(y, Const):
        return _mul(b, x, Const(1 / y.data.double(), y.origin))
    if isinstance(x, Const):
        return _mul(b, pointwise(b, y, "reciprocal"), x)
    return b.emit("div", [x, y])


@lowers("div.Tensor_mode", "div.Scalar_mode")
def _div_mode(b: Builder, x: Any, y: Any, mode: str | None) -> Any:
    quotient = _div(b, x, y)
    if mode is None:
        return quotient
    if mode == "floor":
        return pointwise(b, quotient, "floor")
    raise Unsupported(f"rounding_mode {mode}")


@lowers("maximum")
def _maximum(b: Builder, x: Operand, y: Operand) -> Any:
    return b.emit("maximum", [x, y])


@lowers("minimum")
def _minimum(b: Builder, x: Operand, y: Operand) -> Any:
    return b.emit("minimum", [x, y])


def _broadcast(x: Operand, y: Operand) -> tuple[int, ...]:

    return tuple(np.broadcast_shapes(x.shape, y.shape))


def _no_op(x: Any, y: Operand, neutral: float) -> Any:
    """x where y is a constant of neutral elements that does not widen x, else None."""
    if not isinstance(x, Act) or not isinstance(y, Const) or _broadcast(x, y) != x.shape:
        return None
    return x if bool((y.data == neutral).all()) else None


# -- masks ------------------------------------------------------------------


@lowers("masked_fill.Scalar")
def _masked_fill(b: Builder, x: Operand, mask: Operand, value: float) -> Any:
    import torch

    return select(b, mask, Const(torch.tensor(float(value)), "fill"), x)


@lowers("masked_fill.Tensor")
def _masked_fill_tensor(b: Builder, x: Operand, mask: Operand, value: Operand) -> Any:
    return select(b, mask, value, x)


@lowers("where.self")
def select(b: Builder, mask: Operand, x: Operand, y: Operand) -> Any:
    """x where the mask is true, y elsewhere."""
    import torch

    if not isinstance(mask, Const):
        return _blend(b, mask, tamed(x), tamed(y))
    m = mask.data.bool()
    shape = tuple(np.broadcast_shapes(m.shape, x.shape, y.shape))
    if not m.any():
        return b.expand(y, shape)
    if m.all():
        return b.expand(x, shape)
    if isinstance(x, Act) and isinstance(y, Act):
        kept = b.emit("mul", [x, Const(m.float(), "mask")])
        return b.emit("add", [kept, b.emit("mul", [y, Const((~m).float(), "mask")])])
    if isinstance(x, Act):
        m, x, y = ~m, y, x
    assert isinstance(x, Const)
    fill = torch.where(m, x.data.float(), torch.zeros(()))
    if bool((x.data <= MASKED).all()):  # as good as minus infinity: what is added to is lost in it
        return b.emit("add", [y, tamed(Const(fill, "mask"))])
    kept = b.emit("mul", [y, Const((~m).float(), "mask")])
    return b.emit("add", [kept, Const(fill, "fill")]) if bool(fill.any()) else kept


def _blend(b: Builder, mask: Act, x: Operand, y: Operand) -> Any:
    """x where a mask of zeros and ones that is computed at run time is one, y where it is zero."""
    kept = b.emit("mul", [negated(b, mask), y])
    return b.emit("add", [b.emit("mul", [mask, x]), kept])


@lowers("tril")
def _tril(b: Builder, x: Operand, diagonal: int) -> Any:
    import torch

    return b.emit("mul", [x, b.tensor(torch.ones(x.shape[-2:]).tril(diagonal), "tril")])


@lowers("triu")
def _triu(b: Builder, x: Operand, diagonal: int) -> Any:
    import torch

    return b.emit("mul", [x, b.tensor(torch.ones(x.shape[-2:]).triu(diagonal), "triu")])


# -- casts and copies -------------------------------------------------------


@lowers("_to_copy", "to.dtype", "to.device", "to.other", "to.dtype_layout")
def _cast(b: Builder, x: Operand, *rest: Any) -> Any:
    import torch

    dtype = next((r for r in rest if isinstance(r, torch.dtype)), None)
    integral = isinstance(x, Act) and x.dtype != DType.F32
    if dtype is None or dtype.is_floating_point != integral:
        return x
    if integral:
        raise Unsupported(f"a cast to {str(dtype).removeprefix('torch.')}")
    if dtype == torch.bool:
        return pointwise(b, pointwise(b, x, "sign"), "abs")
    return pointwise(b, x, "trunc")


@lowers("clone", "alias", "detach", "contiguous", "lift_fresh_copy", "lift_fresh", "_conj", "dropout")
def _same(b: Builder, x: Operand, *rest: Any) -> Any:
    if True in rest:
        raise Unsupported("the model was exported in training mode")
    return x
