"""Ops on image maps: convolutions, pools, resizing, depth and space."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from edgec.frontends.onnx.builder import Attrs, Const, NumpyBuilder, Operand, Unsupported, constant, converts
from edgec.frontends.onnx.reductions import reduce

Pads = tuple[int, int, int, int]


def _pair(values: Any, missing: int) -> tuple[int, int]:
    """Two numbers for H and W; a 1-D op is one of width one."""
    return int(values[0]), int(values[1]) if len(values) > 1 else missing


def _image(w: Operand) -> Operand:
    """Weights with two spatial axes."""
    if not isinstance(w, Const):
        raise Unsupported("weights computed at run time")
    if len(w.shape) not in (3, 4):
        raise Unsupported(f"{len(w.shape) - 2} spatial dimensions")
    return w


def _flat(b: NumpyBuilder, w: Operand) -> Any:
    return b.reshape(w, (*w.shape, 1)) if len(w.shape) == 3 else w


def _pads(
    a: Attrs,
    shape: tuple[int, ...],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
) -> Pads:
    """(top, left, bottom, right), with `auto_pad` worked out."""
    spatial = len(shape) - 2
    auto = a.get("auto_pad", "NOTSET")
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        before, after = [0, 0], [0, 0]
        for k in range(spatial):
            reach = (kernel[k] - 1) * dilation[k] + 1
            total = max((math.ceil(shape[2 + k] / stride[k]) - 1) * stride[k] + reach - shape[2 + k], 0)
            small, large = total // 2, total - total // 2
            before[k], after[k] = (small, large) if auto == "SAME_UPPER" else (large, small)
        return before[0], before[1], after[0], after[1]
    given = [0] * (2 * spatial) if auto == "VALID" else list(a.get("pads", [0] * (2 * spatial)))
    top, left = _pair(given[:spatial], 0)
    bottom, right = _pair(given[spatial:], 0)
    return top, left, bottom, right


@converts("Conv")
def _conv(b: NumpyBuilder, a: Attrs, x: Operand, w: Operand, bias: Any = None) -> Any:
    w = _flat(b, _image(w))
    spatial, groups = len(x.shape) - 2, int(a.get("group", 1))
    kernel = (w.shape[2], w.shape[3])
    ones = [1] * spatial
    stride, dilation = _pair(a.get("strides", ones), 1), _pair(a.get("dilations", ones), 1)
    attrs = {"stride": stride, "padding": _pads(a, x.shape, kernel, stride, dilation), "dilation": dilation}
    rest = [] if bias is None else [bias]
    if groups > 1 and w.shape[1] == 1:
        taps = b.reshape(b.transpose(w, (2, 3, 0, 1)), (*kernel, w.shape[0]))
        return b.channels_last(x, spatial, lambda y: b.emit("depthwise_conv2d", [y, taps, *rest], attrs))
    taps = b.transpose(w, (0, 2, 3, 1))
    return b.channels_last(
        x, spatial, lambda y: b.emit("conv2d", [y, taps, *rest], {**attrs, "groups": groups})
    )


@converts("ConvTranspose")
def _conv_transpose(b: NumpyBuilder, a: Attrs, x: Operand, w: Operand, bias: Any = None) -> Any:
    w = _flat(b, _image(w))
    spatial, groups = len(x.shape) - 2, int(a.get("group", 1))
    c, o, kh, kw = w.shape
    ones, zeros = [1] * spatial, [0] * spatial
    stride, dilation = _pair(a.get("strides", ones), 1), _pair(a.get("dilations", ones), 1)
    extra = _pair(a.get("output_padding", zeros), 0)
    pads = _pads({**a, "auto_pad": "NOTSET"}, x.shape, (kh, kw), stride, dilation)
    auto, wanted = a.get("auto_pad", "NOTSET"), a.get("output_shape")
    if wanted is not None or auto in ("SAME_UPPER", "SAME_LOWER"):
        sizes = list(wanted)[-spatial:] if wanted is not None else [
            n * s for n, s in zip(x.shape[2:], stride, strict=False)
        ]  # fmt: skip
        before, after = [0, 0], [0, 0]
        for k in range(spatial):
            reach = ((kh, kw)[k] - 1) * dilation[k] + 1
            total = max(stride[k] * (x.shape[2 + k] - 1) + extra[k] + reach - sizes[k], 0)
            small, large = total // 2, total - total // 2
            before[k], after[k] = (large, small) if auto == "SAME_LOWER" else (small, large)
        pads = (before[0], before[1], after[0], after[1])
    grouped = b.reshape(w, (groups, c // groups, o, kh, kw))
    taps = b.reshape(b.transpose(grouped, (0, 2, 3, 4, 1)), (groups * o, kh, kw, c // groups))
    attrs = {
        "stride": stride,
        "padding": pads,
        "output_padding": extra,
        "dilation": dilation,
        "groups": groups,
    }
    rest = [] if bias is None else [bias]
    return b.channels_last(x, spatial, lambda y: b.emit("conv_transpose2d", [y, taps, *rest], attrs))


# -- pools ------------------------------------------------------------------


def _ceil_extra(size: int, kernel: int, stride: int, before: int, after: int, dilation: int) -> int:
    """Elements that ceil_mode adds behind an axis; windows that start in the padding are dropped."""
    reach = dilation * (kernel - 1) + 1
    out = -(-(size + before + after - reach) // stride) + 1
    if (out - 1) * stride >= size + before:
        out -= 1
    return max((out - 1) * stride + reach - size - before - after, 0)


def _window(a: Attrs, x: Operand) -> tuple[Any, Any, Any, Pads, tuple[int, int]]:
    spatial = len(x.shape) - 2
    if spatial not in (1, 2):
        raise Unsupported(f"{spatial} spatial dimensions")
    ones = [1] * spatial
    kernel, stride = _pair(a["kernel_shape"], 1), _pair(a.get("strides", ones), 1)
    dilation = _pair(a.get("dilations", ones), 1)
    pads = _pads(a, x.shape, kernel, stride, dilation)
    extra = [0, 0]
    if a.get("ceil_mode", 0):
        for k in range(spatial):
            extra[k] = _ceil_extra(x.shape[2 + k], kernel[k], stride[k], pads[k], pads[2 + k], dilation[k])
    return kernel, stride, dilation, pads, (extra[0], extra[1])


@converts("MaxPool")
def _max_pool(b: NumpyBuilder, a: Attrs, x: Operand) -> Any:
    kernel, stride, dilation, p, extra = _window(a, x)
    pads = (p[0], p[1], p[2] + extra[0], p[3] + extra[1])
    attrs = {"kernel": kernel, "stride": stride, "padding": pads, "dilation": dilation}
    return [b.channels_last(x, len(x.shape) - 2, lambda y: b.emit("max_pool2d", [y], attrs)), None]


@converts("AveragePool")
def _average_pool(b: NumpyBuilder, a: Attrs, x: Operand) -> Any:
    kernel, stride, dilation, p, extra = _window(a, x)
    if dilation != (1, 1):
        raise Unsupported(f"dilations {dilation}")
    count = bool(a.get("count_include_pad", 0)) or not (any(p) or any(extra))

    def compute(y: Operand) -> Any:
        pads, include = (p[0], p[1], p[2] + extra[0], p[3] + extra[1]), count
        if include and any(extra):  # the file's padding counts, what ceil_mode adds does not
            y = b.pad(y, [(0, 0), (p[0], p[2]), (p[1], p[3]), (0, 0)])
            pads, include = (0, 0, *extra), False
        attrs = {"kernel": kernel, "stride": stride, "padding": pads, "count_include_pad": include}
        return b.emit("avg_pool2d", [y], attrs)

    return b.channels_last(x, len(x.shape) - 2, compute)


@converts("GlobalAveragePool")
def _global_average(b: NumpyBuilder, a: Attrs, x: Operand) -> Any:
    return _global(b, "mean", x)


@converts("GlobalMaxPool")
def _global_max(b: NumpyBuilder, a: Attrs, x: Operand) -> Any:
    return _global(b, "reduce_max", x)


def _global(b: NumpyBuilder, op: str, x: Operand) -> Any:
    return b.channels_last(x, len(x.shape) - 2, lambda y: reduce(b, op, y, (1, 2), True))


# -- resizing ---------------------------------------------------------------


@converts("Resize")
def _resize(
    b: NumpyBuilder, a: Attrs, x: Operand, roi: Any = None, scales: Any = None, sizes: Any = None
) -> Any:
    rank = len(x.shape)
    axes = [k % rank for k in a.get("axes", range(rank))]
    size = list(x.shape)
    factor = [1.0] * rank
    if sizes is not None and constant(sizes, "a size").size:
        if a.get("keep_aspect_ratio_policy", "stretch") != "stretch":
            raise Unsupported("keep_aspect_ratio_policy")
        for axis, n in zip(axes, constant(sizes, "a size").ravel(), strict=True):
            size[axis], factor[axis] = int(n), int(n) / x.shape[axis]
    elif scales is not None and constant(scales, "a scale").size:
        for axis, f in zip(axes, constant(scales, "a scale").ravel(), strict=True):
            size[axis], factor[axis] = math.floor(x.shape[axis] * float(f)), float(f)
    else:
        raise Unsupported("neither scales nor sizes")
    return _resized(b, a, x, size, factor)


@converts("Upsample")
def _upsample(b: NumpyBuilder, a: Attrs, x: Operand, scales: Any) -> Any:
    return _resize(
        b, {**a, "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}, x, None, scales
    )


def _resized(b: NumpyBuilder, a: Attrs, x: Operand, size: list[int], factor: list[float]) -> Any:
    """One op where edgec has it; else one gather or one constant matrix per axis."""
    mode = a.get("mode", "nearest")
    where = a.get("coordinate_transformation_mode", "half_pixel")
    plain = all(abs(f * n - m) < 1e-6 for f, n, m in zip(factor, x.shape, size, strict=True))
    image = len(size) in (3, 4) and size[:2] == list(x.shape[:2]) and plain
    full = _pair(size[2:], 1) if image else (0, 0)
    attrs = {"size": full, "half_pixel": "half_pixel" in where, "align_corners": where == "align_corners"}
    if mode == "nearest":
        rounding = a.get("nearest_mode", "round_prefer_floor")
        if image and where == "asymmetric" and rounding == "floor":
            return b.channels_last(x, len(size) - 2, lambda y: b.emit("resize_nearest", [y], attrs))
        for axis, m in enumerate(size):
            if m != x.shape[axis]:
                at = _coordinates(x.shape[axis], m, factor[axis], where)
                x = b.take(x, axis, [int(i) for i in _rounded(at, rounding, x.shape[axis])])
        return x
    if (
        mode == "linear"
        and image
        and where in ("half_pixel", "align_corners", "pytorch_half_pixel", "asymmetric")
    ):
        single = where == "pytorch_half_pixel" and 1 in size[2:]
        if not single and not a.get("antialias", 0):
            return b.channels_last(x, len(size) - 2, lambda y: b.emit("resize_bilinear", [y], attrs))
    if a.get("antialias", 0) or mode not in ("linear", "cubic"):
        raise Unsupported(f"mode {mode}" + (" with antialias" if a.get("antialias", 0) else ""))
    for axis, m in enumerate(size):
        if m != x.shape[axis]:
            at = _coordinates(x.shape[axis], m, factor[axis], where)
            matrix = (
                _linear_matrix(at, x.shape[axis]) if mode == "linear" else _cubic_matrix(at, x.shape[axis], a)
            )
            x = _along(b, x, axis, b.tensor(matrix.astype(np.float32), f"{mode}_{x.shape[axis]}_{m}"))
    return x


def _coordinates(n: int, m: int, factor: float, where: str) -> np.ndarray:
    """Where in an axis of n the m result elements lie."""
    i = np.arange(m, dtype=np.float64)
    match where:
        case "half_pixel":
            return (i + 0.5) / factor - 0.5
        case "half_pixel_symmetric":
            adjusted = m / (factor * n)
            return n / 2 * (1 - adjusted) + (i + 0.5) / factor - 0.5
        case "pytorch_half_pixel":
            return (i + 0.5) / factor - 0.5 if m > 1 else np.zeros(m)
        case "align_corners":
            return i * (n - 1) / (m - 1) if m > 1 else np.zeros(m)
        case "asymmetric":
            return i / factor
    raise Unsupported(f"coordinate_transformation_mode {where}")


def _rounded(at: np.ndarray, rounding: str, n: int) -> np.ndarray:
    ways: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "round_prefer_floor": lambda v: np.ceil(v - 0.5),
        "round_prefer_ceil": lambda v: np.floor(v + 0.5),
        "floor": np.floor,
        "ceil": np.ceil,
    }
    if rounding not in ways:
        raise Unsupported(f"nearest_mode {rounding}")
    picked: np.ndarray = np.clip(ways[rounding](at), 0, n - 1)
    return picked


def _linear_matrix(at: np.ndarray, n: int) -> np.ndarray:
    at = np.clip(at, 0, n - 1)
    low = np.floor(at).astype(int)
    high = np.minimum(low + 1, n - 1)
    matrix = np.zeros((len(at), n))
    rows = np.arange(len(at))
    np.add.at(matrix, (rows, low), 1 - (at - low))
    np.add.at(matrix, (rows, high), at - low)
    return matrix


def _cubic_matrix(at: np.ndarray, n: int, attributes: Attrs) -> np.ndarray:
    """Keys' cubic convolution; beyond the border the border's value, or nothing."""
    a = float(attributes.get("cubic_coeff_a", -0.75))
    outside = bool(attributes.get("exclude_outside", 0))
    low = np.floor(at).astype(int)
    matrix = np.zeros((len(at), n))
    for tap in range(-1, 3):
        d = np.abs(at - (low + tap))
        near = (a + 2) * d**3 - (a + 3) * d**2 + 1
        far = a * d**3 - 5 * a * d**2 + 8 * a * d - 4 * a
        weight = np.where(d <= 1, near, np.where(d < 2, far, 0))
        index = low + tap
        if outside:
            weight = np.where((index < 0) | (index >= n), 0, weight)
        np.add.at(matrix, (np.arange(len(at)), np.clip(index, 0, n - 1)), weight)
    return matrix / matrix.sum(axis=1, keepdims=True) if outside else matrix


def _along(b: NumpyBuilder, x: Operand, axis: int, matrix: Const) -> Any:
    """A constant matrix [O, K] applied along one axis of x."""
    perm = [k for k in range(len(x.shape)) if k != axis] + [axis]
    y = b.emit("linear", [b.transpose(x, perm), matrix])
    return b.transpose(y, [perm.index(k) for k in range(len(perm))])


@converts("DepthToSpace")
def _depth_to_space(b: NumpyBuilder, a: Attrs, x: Operand) -> Any:
    n, c, h, w = x.shape
    s = int(a["blocksize"])
    if a.get("mode", "DCR") == "DCR":
        y = b.transpose(b.reshape(x, (n, s, s, c // s**2, h, w)), (0, 3, 4, 1, 5, 2))
    else:
        y = b.transpose(b.reshape(x, (n, c // s**2, s, s, h, w)), (0, 1, 4, 2, 5, 3))
    return b.reshape(y, (n, c // s**2, h * s, w * s))


@converts("SpaceToDepth")
def _space_to_depth(b: NumpyBuilder, a: Attrs, x: Operand) -> Any:
    n, c, h, w = x.shape
    s = int(a["blocksize"])
    y = b.transpose(b.reshape(x, (n, c, h // s, s, w // s, s)), (0, 3, 5, 1, 2, 4))
    return b.reshape(y, (n, c * s * s, h // s, w // s))


@converts("Col2Im")
def _col2im(b: NumpyBuilder, a: Attrs, x: Operand, size: Any, block: Any) -> Any:
    """[N, C * KH * KW, L] to [N, C, H, W], overlaps summed: a transposed convolution with unit taps."""
    (h, w), (kh, kw) = constant(size, "a size").ravel(), constant(block, "a block").ravel()
    stride, dilation = _pair(a.get("strides", [1, 1]), 1), _pair(a.get("dilations", [1, 1]), 1)
    pads = tuple(a.get("pads", [0, 0, 0, 0]))
    channels = x.shape[1] // (kh * kw)
    reach = (dilation[0] * (kh - 1) + 1, dilation[1] * (kw - 1) + 1)
    full = (int(h) + pads[0] + pads[2], int(w) + pads[1] + pads[3])
    steps = [(n - r) // s + 1 for n, r, s in zip(full, reach, stride, strict=True)]
    spare = [n - (o - 1) * s - r for n, o, s, r in zip(full, steps, stride, reach, strict=True)]
    taps = np.zeros((channels * kh * kw, 1, kh, kw), np.float32)
    for k in range(kh * kw):
        taps[k :: kh * kw, 0, k // kw, k % kw] = 1
    image = b.reshape(x, (x.shape[0], x.shape[1], *steps))
    shared = {"strides": stride, "dilations": dilation, "pads": pads, "output_padding": spare}
    return _conv_transpose(b, {**shared, "group": channels}, image, b.tensor(taps, "col2im"))
