"""Pooling, local and adaptive, in one and two dimensions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from edgec.frontends.torch.builder import Builder, Operand, Unsupported, lowers
from edgec.frontends.torch.reductions import reduce


def _pair(values: int | Sequence[int], missing: int) -> tuple[int, int]:
    if isinstance(values, int):
        return values, values
    return int(values[0]), int(values[1]) if len(values) > 1 else missing


def _ceil_extra(size: int, k: int, s: int, p: int, d: int) -> int:
    """Elements that ceil_mode adds behind an axis; windows that start in the padding are dropped."""
    reach = size + 2 * p - d * (k - 1) - 1
    out = -(-reach // s) + 1
    if (out - 1) * s >= size + p:
        out -= 1
    return max((out - 1) * s + d * (k - 1) + 1 - size - 2 * p, 0)


@lowers("avg_pool2d")
def _avg_pool(
    b: Builder,
    x: Operand,
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    ceil: bool,
    count_pad: bool,
    divisor: int | None,
) -> Any:
    k, p = _pair(kernel, 1), _pair(padding, 0)
    s = _pair(stride or kernel, 1)
    extra = [_ceil_extra(x.shape[-2 + i], k[i], s[i], p[i], 1) if ceil else 0 for i in (0, 1)]
    if divisor is not None and divisor != k[0] * k[1]:
        raise Unsupported(f"divisor_override {divisor}")

    def compute(y: Operand) -> Any:
        pads: tuple[int, ...] = (p[0], p[1], p[0] + extra[0], p[1] + extra[1])
        count = count_pad or not any(pads)
        if count_pad and any(extra):  # torch counts its padding but not what ceil_mode adds
            y = b.pad(y, [(0, 0), (p[0], p[0]), (p[1], p[1]), (0, 0)])
            pads, count = (0, 0, *extra), False
        attrs = {"kernel": k, "stride": s, "padding": pads, "count_include_pad": bool(count)}
        return b.emit("avg_pool2d", [y], attrs)

    return b.channels_last(x, 2, compute)


@lowers("avg_pool1d")
def _avg_pool1d(
    b: Builder,
    x: Operand,
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    ceil: bool,
    count_pad: bool,
) -> Any:
    y = b.reshape(x, (*x.shape, 1))
    stride = (*(stride or kernel), 1)
    y = _avg_pool(b, y, (*kernel, 1), stride, (*padding, 0), ceil, count_pad, None)
    return b.reshape(y, y.shape[:-1])


@lowers("avg_pool3d")
def _avg_pool3d(
    b: Builder, x: Operand, kernel: Sequence[int], stride: Sequence[int], padding: Sequence[int], *rest: Any
) -> Any:
    """Windows along one axis only, as local response normalization has them across channels."""
    if tuple(kernel[1:]) != (1, 1) or any(padding[1:]) or any(s != 1 for s in (stride or kernel)[1:]):
        raise Unsupported("3 spatial dimensions")
    flat = b.reshape(x, (*x.shape[:-2], x.shape[-2] * x.shape[-1]))
    y = _avg_pool(b, flat, kernel[:2], (stride or kernel)[:2], padding[:2], *rest)
    return b.reshape(y, (*y.shape[:-1], *x.shape[-2:]))


@lowers("max_pool2d_with_indices")
def _max_pool_indices(b: Builder, x: Operand, *rest: Any) -> Any:
    return [_max_pool(b, x, *rest), None]


@lowers("max_pool2d")
def _max_pool(
    b: Builder,
    x: Operand,
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    ceil: bool,
) -> Any:
    k, p, d = _pair(kernel, 1), _pair(padding, 0), _pair(dilation, 1)
    s = _pair(stride or kernel, 1)
    extra = [_ceil_extra(x.shape[-2 + i], k[i], s[i], p[i], d[i]) if ceil else 0 for i in (0, 1)]
    attrs = {
        "kernel": k,
        "stride": s,
        "padding": (p[0], p[1], p[0] + extra[0], p[1] + extra[1]),
        "dilation": d,
    }
    return b.channels_last(x, 2, lambda y: b.emit("max_pool2d", [y], attrs))


# -- adaptive ---------------------------------------------------------------


@lowers("adaptive_avg_pool2d", "_adaptive_avg_pool2d")
def _adaptive_avg(b: Builder, x: Operand, size: Sequence[int]) -> Any:
    return _adaptive(b, x, size, "mean")


@lowers("adaptive_max_pool2d")
def _adaptive_max(b: Builder, x: Operand, size: Sequence[int]) -> Any:
    return [_adaptive(b, x, size, "reduce_max"), None]


@lowers("adaptive_avg_pool1d")
def _adaptive_avg1d(b: Builder, x: Operand, size: Sequence[int]) -> Any:
    y = _adaptive(b, b.reshape(x, (*x.shape, 1)), (size[0], 1), "mean")
    return b.reshape(y, y.shape[:-1])


@lowers("adaptive_max_pool1d")
def _adaptive_max1d(b: Builder, x: Operand, size: Sequence[int]) -> Any:
    y = _adaptive(b, b.reshape(x, (*x.shape, 1)), (size[0], 1), "reduce_max")
    return [b.reshape(y, y.shape[:-1]), None]


def _adaptive(b: Builder, x: Operand, size: Sequence[int], op: str) -> Any:
    """Windows floor(i*n/m) .. ceil((i+1)*n/m): one reduction, one pool, or one slice per window."""
    h, w = x.shape[-2:]
    oh, ow = size[0] or h, size[1] or w
    compute: Callable[[Any], Any]
    if (oh, ow) == (h, w):
        return x
    if (oh, ow) == (1, 1):

        def compute(y: Any) -> Any:
            return reduce(b, op, y, (1, 2), True)
    elif h % oh == 0 and w % ow == 0:
        k = (h // oh, w // ow)
        attrs = {"kernel": k, "stride": k, "padding": (0, 0, 0, 0)}
        special: dict[str, Any] = {"count_include_pad": False} if op == "mean" else {"dilation": (1, 1)}
        name = "avg_pool2d" if op == "mean" else "max_pool2d"

        def compute(y: Any) -> Any:
            return b.emit(name, [y], {**attrs, **special})
    else:

        def compute(y: Any) -> Any:
            return _windows(b, _windows(b, y, 1, oh, op), 2, ow, op)

    return b.channels_last(x, 2, compute)


def _windows(b: Builder, y: Any, axis: int, m: int, op: str) -> Any:
    """One axis: the mean of a rectangle is the mean of its lines' means, and so is the maximum."""
    n = y.shape[axis]
    bounds = [(i * n // m, -(-(i + 1) * n // m)) for i in range(m)]
    if all(stop - start == 1 for start, stop in bounds):
        return b.take(y, axis, [start for start, _ in bounds])
    return b.concat([reduce(b, op, b.slice(y, axis, *bound), (axis,), True) for bound in bounds], axis)
