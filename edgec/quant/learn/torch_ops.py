"""Float ops as torch computes them, with gradients: the same results as their float references.

Activations have a leading axis of samples before the axes that the graph gives them; constants have not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from edgec.ops.attention_reads import dims_of, heads_of, views_of
from edgec.ops.base import Call, Op, registry
from edgec.ops.interpret import results_of
from edgec.ops.resize_bilinear import positions
from edgec.ops.strides import StridedView

_STEP = 1 / 1024
"""Half the distance over which the slope of a function of one variable is taken."""
_CLAMPS = {"": None, "relu": (0.0, None), "relu6": (0.0, 6.0), "relu_n1_to_1": (-1.0, 1.0)}


def compute(name: str, call: Call, xs: list[Tensor]) -> Tensor:
    """The result [samples, ...] of a call of an op of one result. xs: its operands."""
    op = registry()[name]
    if op.is_view or name in _MOVES:
        return _viewed(op, call, xs)
    if (function := _FUNCTIONS.get(name)) is None:
        return _referred(op, call, xs)
    return function(call, xs)


def has_gradient(name: str) -> bool:
    """Whether gradients pass an op: they do not where results are places, as those of argmax."""
    return registry()[name].is_view or name in _MOVES or name in _FUNCTIONS


def _referred(op: Op, call: Call, xs: list[Tensor]) -> Tensor:
    """What the op's reference gives, sample by sample, without a gradient."""
    count = next(len(x) for x, c in zip(xs, call.consts, strict=True) if c is None)
    each = [
        results_of(
            op,
            call,
            [
                x.detach().numpy() if c is not None else x[k].detach().numpy()
                for x, c in zip(xs, call.consts, strict=True)
            ],
        )[0]
        for k in range(count)
    ]
    return torch.from_numpy(np.stack(each))


def _clamped(call: Call, y: Tensor) -> Tensor:
    limits = _CLAMPS[call.str("activation", "")]
    return y if limits is None else y.clamp(*limits)


def moved(op: Op, call: Call) -> np.ndarray:
    """Where the elements of a view's result come from: indices into its operands, one behind the other."""
    starts = np.cumsum([0, *(call.ins[k].size for k in call.activations)])
    indices = iter(
        np.arange(a, a + call.ins[k].size).reshape(call.ins[k].shape)
        for a, k in zip(starts, call.activations, strict=False)
    )
    at = op.float_reference(call, *(next(indices) if c is None else c for c in call.consts))
    assert isinstance(at, np.ndarray)
    return at


def _viewed(op: Op, call: Call, xs: list[Tensor]) -> Tensor:
    """Elements moved as the float reference moves their indices."""
    flat, at = [x.flatten(1) for k, x in enumerate(xs) if call.consts[k] is None], moved(op, call)
    if len(flat) == 1 and np.array_equal(at.ravel(), np.arange(flat[0].shape[1])):
        return flat[0].reshape(-1, *at.shape)
    return torch.cat(flat, 1)[:, torch.from_numpy(at.ravel())].reshape(-1, *at.shape)


def _pair(call: Call, xs: list[Tensor]) -> list[Tensor]:
    """Two operands whose axes line up behind that of the samples."""
    rank = max(len(t.shape) for t in call.ins[:2])
    return [
        x.reshape(len(x), *(1,) * (rank - len(call.ins[k].shape)), *call.ins[k].shape)
        if call.consts[k] is None
        else x
        for k, x in enumerate(xs[:2])
    ]


def _binary(of: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Call, list[Tensor]], Tensor]:
    return lambda call, xs: _clamped(call, of(*_pair(call, xs)))


def _linear(call: Call, xs: list[Tensor]) -> Tensor:
    return _clamped(call, F.linear(*xs))


def _images(x: Tensor) -> Tensor:
    """[samples, N, H, W, C] as torch's convolutions want it."""
    return x.flatten(0, 1).permute(0, 3, 1, 2)


def _maps(x: Tensor, call: Call) -> Tensor:
    return x.permute(0, 2, 3, 1).reshape(-1, *call.outs[0].shape)


def _padded(call: Call, x: Tensor, fill: float = 0.0) -> Tensor:
    top, left, bottom, right = call.ints("padding", (0, 0, 0, 0))
    return F.pad(x, (left, right, top, bottom), value=fill) if top or left or bottom or right else x


def _conv2d(call: Call, xs: list[Tensor]) -> Tensor:
    x, w = _padded(call, _images(xs[0])), xs[1].permute(0, 3, 1, 2)
    stride, dilation = call.ints("stride", (1, 1)), call.ints("dilation", (1, 1))
    bias = xs[2] if len(xs) > 2 else None
    y = F.conv2d(x, w, bias, stride, 0, dilation, call.int("groups", 1))
    return _clamped(call, _maps(y, call))


def _depthwise(call: Call, xs: list[Tensor]) -> Tensor:
    x, w = _padded(call, _images(xs[0])), xs[1].permute(2, 0, 1)[:, None]
    stride, dilation = call.ints("stride", (1, 1)), call.ints("dilation", (1, 1))
    bias = xs[2] if len(xs) > 2 else None
    y = F.conv2d(x, w, bias, stride, 0, dilation, call.ins[0].shape[3])
    return _clamped(call, _maps(y, call))


def _conv_transpose2d(call: Call, xs: list[Tensor]) -> Tensor:
    o, kh, kw, c = call.ins[1].shape
    groups, (top, left, *_) = call.int("groups", 1), call.ints("padding", (0, 0, 0, 0))
    w = xs[1].reshape(groups, o // groups, kh, kw, c).permute(0, 4, 1, 2, 3).flatten(0, 1)
    stride, dilation = call.ints("stride", (1, 1)), call.ints("dilation", (1, 1))
    y = F.conv_transpose2d(_images(xs[0]), w, None, stride, 0, 0, groups, dilation)
    _, height, width, _ = call.outs[0].shape  # what is cut off behind, or there more
    y = F.pad(y, (-left, width + left - y.shape[3], -top, height + top - y.shape[2]))
    y = _maps(y, call)
    return _clamped(call, y + xs[2] if len(xs) > 2 else y)


def _resize_bilinear(call: Call, xs: list[Tensor]) -> Tensor:
    x = xs[0].flatten(0, 1)
    for axis in (0, 1):
        line = positions(call, axis)
        before, behind = (x.index_select(axis + 1, torch.from_numpy(at)) for at in (line.before, line.behind))
        weight = torch.from_numpy(line.weight).float().reshape(-1, *(1,) * (2 - axis))
        x = torch.lerp(before, behind, weight)
    return x.reshape(-1, *call.outs[0].shape)


def _max_pool(call: Call, xs: list[Tensor]) -> Tensor:
    x, stride, dilation = _images(xs[0]), call.ints("stride", (1, 1)), call.ints("dilation", (1, 1))
    y = F.max_pool2d(_padded(call, x, -torch.inf), call.ints("kernel"), stride, 0, dilation)
    return _clamped(call, _maps(y, call))


def _avg_pool(call: Call, xs: list[Tensor]) -> Tensor:
    kernel, stride = call.ints("kernel"), call.ints("stride", (1, 1))
    dilation, x = call.ints("dilation", (1, 1)), _images(xs[0])
    ones = torch.ones(1, x.shape[1], kernel[0], kernel[1]).permute(1, 0, 2, 3)
    inside = torch.ones_like(x[:1]) if not call.attrs.get("count_include_pad") else None
    total, count = (
        F.conv2d(_padded(call, v), ones, None, stride, 0, dilation, x.shape[1])
        if v is not None
        else torch.full((), float(kernel[0] * kernel[1]))
        for v in (x, inside)
    )
    return _clamped(call, _maps(total / count, call))


def _reduced(of: Callable[..., Tensor]) -> Callable[[Call, list[Tensor]], Tensor]:
    def function(call: Call, xs: list[Tensor]) -> Tensor:
        return of(xs[0], [a + 1 for a in call.ints("axes")]).reshape(-1, *call.outs[0].shape)

    return function


def _layer_norm(call: Call, xs: list[Tensor]) -> Tensor:
    x = xs[0] if call.attrs.get("rms") else xs[0] - xs[0].mean(-1, keepdim=True)
    y = x * torch.rsqrt((x * x).mean(-1, keepdim=True) + call.float("epsilon"))
    return _affine(y, xs)


def _group_norm(call: Call, xs: list[Tensor]) -> Tensor:
    channels, groups = call.ins[0].shape[-1], call.int("groups")
    x = xs[0].flatten(0, 1)
    y = x.reshape(len(x), -1, groups, channels // groups)
    y = y - y.mean((1, 3), keepdim=True)
    y = y * torch.rsqrt((y * y).mean((1, 3), keepdim=True) + call.float("epsilon"))
    return _affine(y.reshape(xs[0].shape), xs)


def _affine(y: Tensor, xs: list[Tensor]) -> Tensor:
    if len(xs) > 1:
        y = y * xs[1].reshape(-1)
    return y + xs[2].reshape(-1) if len(xs) > 2 else y


def _batch_norm(call: Call, xs: list[Tensor]) -> Tensor:
    x, mean, var, gamma, beta = xs
    return (x - mean) * torch.rsqrt(var + call.float("epsilon")) * gamma + beta


def _same(_: Call, xs: list[Tensor]) -> Tensor:
    """What a file's quantize and dequantize nodes do to the real numbers: they state formats."""
    return xs[0]


def _softmax(call: Call, xs: list[Tensor]) -> Tensor:
    return torch.softmax(xs[0] * call.float("beta", 1.0), -1)


def _prelu(_: Call, xs: list[Tensor]) -> Tensor:
    return torch.where(xs[0] >= 0, xs[0], xs[0] * xs[1])


def _concat(call: Call, xs: list[Tensor]) -> Tensor:
    count = next(len(x) for k, x in enumerate(xs) if call.consts[k] is None)
    parts = [x if call.consts[k] is None else x.expand(count, *x.shape) for k, x in enumerate(xs)]
    return torch.cat(parts, call.int("axis") + 1)


def _pad(call: Call, xs: list[Tensor]) -> Tensor:
    pads = call.attrs["pads"]
    assert isinstance(pads, tuple)
    ends = [int(n) for pair in reversed(pads) for n in pair]  # type: ignore[union-attr, arg-type]
    return F.pad(xs[0], ends, value=call.float("value", 0.0))


def _gathered(view: StridedView, x: Tensor, is_constant: bool) -> Tensor:
    flat = x.reshape(1, -1) if is_constant else x.flatten(1)
    at = view.starts()[..., None] + np.arange(view.run)
    return flat[:, torch.from_numpy(at)]


def _attention(call: Call, xs: list[Tensor]) -> Tensor:
    b, h, t, s, *_ = dims_of(call)
    q, k, v = (
        _gathered(view, x, c is not None)
        for view, x, c in zip(views_of(call), xs[:3], call.consts[:3], strict=True)
    )
    score = q @ k.transpose(-1, -2) * call.float("scale")
    if len(xs) > 3:
        mask = np.broadcast_to(heads_of(call.const(3), call, h), (b, h, t, s))
        score = score + torch.from_numpy(np.maximum(mask, -1e9).astype(np.float32))
    return (torch.softmax(score, -1) @ v).transpose(2, 3).reshape(-1, *call.outs[0].shape)


def _matmul(call: Call, xs: list[Tensor]) -> Tensor:
    if "dims" not in call.attrs:
        return torch.matmul(*xs)
    b, m, n, k = call.ints("dims")
    sides = list[Tensor]()
    for x, name, extents, c in zip(xs, ("a", "b"), ((b, m, k), (b, k, n)), call.consts, strict=True):
        view = call.ints(f"{name}_view")
        of = StridedView(call.ins[len(sides)], view[0], view[1:], extents)
        sides.append(_gathered(of, x, c is not None)[..., 0])
    return sides[0] @ sides[1]


class _Function(torch.autograd.Function):
    """A function of one variable, its slope taken from two points beside each value."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, of: Callable[[np.ndarray], np.ndarray]) -> Tensor:
        at = x.detach().numpy().astype(np.float64)
        ctx.save_for_backward(torch.from_numpy((of(at + _STEP) - of(at - _STEP)) / (2 * _STEP)).float())
        return torch.from_numpy(of(at).astype(np.float32))

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None]:
        (slope,) = ctx.saved_tensors
        return grads[0] * torch.nan_to_num(slope, 0.0, 0.0, 0.0), None


def _pointwise(call: Call, xs: list[Tensor]) -> Tensor:
    if (plain := _POINTWISE.get(call.str("fn"))) is not None and set(call.attrs) == {"fn"}:
        return plain(xs[0])
    op = registry()["pointwise"]

    def of(x: np.ndarray) -> np.ndarray:
        y = op.float_reference(call, x)
        assert isinstance(y, np.ndarray)
        return y.astype(np.float64)

    result = _Function.apply(xs[0], of)  # type: ignore[no-untyped-call]
    assert isinstance(result, Tensor)
    return result


_POINTWISE: Mapping[str, Callable[[Tensor], Tensor]] = {
    "gelu": F.gelu,
    "relu": F.relu,
    "sigmoid": torch.sigmoid,
    "silu": F.silu,
    "tanh": torch.tanh,
}
"""Those that torch has, too, and that are worth the time they save."""
_MOVES = frozenset({"resize_nearest"})
"""Ops beside views that move elements and compute nothing."""
_FUNCTIONS: Mapping[str, Callable[[Call, list[Tensor]], Tensor]] = {
    "add": _binary(torch.add),
    "attention": _attention,
    "avg_pool2d": _avg_pool,
    "batch_norm": _batch_norm,
    "concat": _concat,
    "conv2d": _conv2d,
    "conv_transpose2d": _conv_transpose2d,
    "dequantize": _same,
    "depthwise_conv2d": _depthwise,
    "div": _binary(torch.div),
    "group_norm": _group_norm,
    "layer_norm": _layer_norm,
    "linear": _linear,
    "matmul": _matmul,
    "max_pool2d": _max_pool,
    "maximum": _binary(torch.maximum),
    "mean": _reduced(torch.mean),
    "minimum": _binary(torch.minimum),
    "mul": _binary(torch.mul),
    "pad": _pad,
    "pointwise": _pointwise,
    "prelu": _prelu,
    "quantize": _same,
    "reduce_max": _reduced(torch.amax),
    "requantize": _same,
    "resize_bilinear": _resize_bilinear,
    "softmax": _softmax,
    "sub": _binary(torch.sub),
    "sum": _reduced(torch.sum),
}
