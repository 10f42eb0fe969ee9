"""Converters of operators that move elements: views, padding, joining, resizing."""

from __future__ import annotations

import math

import numpy as np

from edgec.frontends.tflite.builder import Layer, Unsupported, converts
from edgec.frontends.tflite.read import Damaged
from edgec.ir import Attr


def resolve_shape(layer: Layer) -> tuple[int, ...]:
    """The new shape of RESHAPE, SQUEEZE and EXPAND_DIMS."""
    size = math.prod(layer.shape(0))
    known = layer.op.code == "RESHAPE" and layer.has(1) and layer.is_known(1)
    shape = list(layer.numbers(1, "shape")) if known else list(layer.out)
    if shape.count(-1) == 1:
        rest = -math.prod(shape)
        shape[shape.index(-1)] = size // rest if rest > 0 else 0
    if math.prod(shape) != size or min(shape, default=1) < 0:
        raise Damaged(f"{layer.path}: {layer.shape(0)} under the shape {tuple(shape)}")
    return tuple(shape)


def strided(layer: Layer) -> list[range]:
    """The indices that STRIDED_SLICE keeps of every axis."""
    shape = layer.shape(0)
    begin, end, step = (list(layer.numbers(k, "a range")) for k in (1, 2, 3))
    if layer.option("EllipsisMask") or layer.option("NewAxisMask"):
        raise Unsupported("ellipsis or new axes")
    if not len(begin) == len(end) == len(step) <= len(shape) or 0 in step:
        raise Damaged(f"{layer.path}: ranges {begin}, {end}, {step} of {shape}")
    parts = []
    for k, n in enumerate(shape):
        if k >= len(begin):
            parts.append(range(n))
        elif layer.option("ShrinkAxisMask") >> k & 1:
            at = begin[k] + n if begin[k] < 0 else begin[k]
            parts.append(range(at, at + 1))
        else:
            first = None if layer.option("BeginMask") >> k & 1 else begin[k]
            last = None if layer.option("EndMask") >> k & 1 else end[k]
            parts.append(range(*slice(first, last, step[k]).indices(n)))
    return parts


def _slice(layer: Layer, value: str, parts: list[range]) -> str:
    """Part of every axis of a value."""
    attrs: dict[str, Attr] = {
        "starts": tuple(p.start for p in parts),
        "stops": tuple(p.stop for p in parts),
        "steps": tuple(p.step for p in parts),
    }
    return layer.emit("slice", [value], attrs)


def _axis(layer: Layer, axis: int, rank: int) -> int:
    axis = axis + rank if axis < 0 else axis
    if not 0 <= axis < rank:
        raise Damaged(f"{layer.path}: axis {axis} of rank {rank}")
    return axis


@converts("RESHAPE", "SQUEEZE", "EXPAND_DIMS")
def reshape(layer: Layer) -> str:
    """The same elements under another shape."""
    return layer.emit("reshape", [layer.value(0)], {"shape": resolve_shape(layer)})


@converts("TRANSPOSE")
def transpose(layer: Layer) -> str:
    """TRANSPOSE."""
    perm = layer.numbers(1, "a permutation")
    if sorted(perm) != list(range(len(layer.shape(0)))):
        raise Damaged(f"{layer.path}: permutation {perm} of {layer.shape(0)}")
    return layer.emit("transpose", [layer.value(0)], {"perm": perm})


@converts("STRIDED_SLICE")
def strided_slice(layer: Layer) -> str:
    """STRIDED_SLICE; axes that are indexed by one number vanish."""
    y = _slice(layer, layer.value(0), strided(layer))
    shape = layer.type(y).shape
    gone = layer.option("ShrinkAxisMask")
    return layer.reshape(y, tuple(n for k, n in enumerate(shape) if not gone >> k & 1))


@converts("SLICE")
def slice_(layer: Layer) -> str:
    """SLICE; a size of -1 reaches to the end."""
    shape = layer.shape(0)
    begin, size = layer.numbers(1, "a begin"), layer.numbers(2, "a size")
    if not len(begin) == len(size) == len(shape):
        raise Damaged(f"{layer.path}: begin {begin}, size {size} of {shape}")
    ends = [n if s == -1 else b + s for n, b, s in zip(shape, begin, size, strict=True)]
    return _slice(layer, layer.value(0), [range(b, e) for b, e in zip(begin, ends, strict=True)])


def _pieces(layer: Layer, x: int, axis: int, sizes: list[int]) -> list[str]:
    shape = layer.shape(x)
    if sum(sizes) != shape[axis] or len(sizes) != len(layer.results):
        raise Damaged(f"{layer.path}: pieces {sizes} of axis {axis} of {shape}")
    value, pieces, at = layer.value(x), [], 0
    for n in sizes:
        parts = [range(at, at + n) if k == axis else range(m) for k, m in enumerate(shape)]
        pieces.append(_slice(layer, value, parts))
        at += n
    return pieces


@converts("SPLIT")
def split(layer: Layer) -> list[str]:
    """SPLIT into equal pieces; operand 0 is the axis."""
    shape = layer.shape(1)
    axis = _axis(layer, layer.numbers(0, "an axis")[0], len(shape))
    n = len(layer.results)
    return _pieces(layer, 1, axis, [shape[axis] // n] * n)


@converts("SPLIT_V")
def split_v(layer: Layer) -> list[str]:
    """SPLIT_V into pieces of given sizes, one of which may be -1."""
    shape, sizes = layer.shape(0), list(layer.numbers(1, "sizes"))
    axis = _axis(layer, layer.numbers(2, "an axis")[0], len(shape))
    if sizes.count(-1) == 1:
        sizes[sizes.index(-1)] = shape[axis] - sum(sizes) - 1
    return _pieces(layer, 0, axis, sizes)


@converts("UNPACK")
def unpack(layer: Layer) -> list[str]:
    """UNPACK: slices of one, the axis taken away."""
    shape = layer.shape(0)
    axis = _axis(layer, layer.option("Axis"), len(shape))
    pieces = _pieces(layer, 0, axis, [1] * shape[axis])
    return [layer.reshape(p, (*shape[:axis], *shape[axis + 1 :])) for p in pieces]


@converts("PACK")
def pack(layer: Layer) -> str:
    """PACK: concatenation along a new axis."""
    shape = layer.shape(0)
    axis = _axis(layer, layer.option("Axis"), len(shape) + 1)
    new = (*shape[:axis], 1, *shape[axis:])
    parts = [layer.value(k, new) for k in range(len(layer.tensors))]
    return layer.result("concat", parts, {"axis": axis})


@converts("CONCATENATION")
def concatenation(layer: Layer) -> str:
    """CONCATENATION."""
    if layer.activation():
        raise Unsupported("a fused activation")
    parts = [layer.value(k) for k in range(len(layer.tensors))]
    axis = _axis(layer, layer.option("Axis"), len(layer.type(parts[0]).shape))
    return layer.result("concat", parts, {"axis": axis})


@converts("GATHER")
def gather(layer: Layer) -> str:
    """GATHER with constant indices."""
    shape, indices = layer.shape(0), layer.data(1, "indices")
    if layer.option("BatchDims"):
        raise Unsupported("batch dimensions")
    axis = _axis(layer, layer.option("Axis"), len(shape))
    attrs: dict[str, Attr] = {"axis": axis, "indices": layer.numbers(1, "indices")}
    y = layer.emit("take", [layer.value(0)], attrs)
    return layer.reshape(y, (*shape[:axis], *indices.shape, *shape[axis + 1 :]))


@converts("PAD", "PADV2")
def pad(layer: Layer) -> str:
    """PAD with zeros, PADV2 with a constant."""
    value = 0.0
    if layer.op.code == "PADV2":
        data, q = layer.data(2, "a padding value"), layer.tensor(2).quant
        if data.size != 1:
            raise Damaged(f"{layer.path}: a padding value of {data.shape}")
        value = float(data.ravel()[0])
        if not layer.is_float and q is not None:
            value = q.s * (value - q.z)
    return layer.result("pad", [layer.value(0)], {"pads": _pads(layer), "value": value})


def _pads(layer: Layer) -> tuple[tuple[int, int], ...]:
    flat, rank = layer.numbers(1, "paddings"), len(layer.shape(0))
    if len(flat) != 2 * rank or min(flat, default=0) < 0:
        raise Damaged(f"{layer.path}: paddings {flat} for rank {rank}")
    return tuple(zip(flat[::2], flat[1::2], strict=True))


@converts("MIRROR_PAD")
def mirror_pad(layer: Layer) -> str:
    """MIRROR_PAD: indices that run back at the ends; REFLECT leaves the edge out."""
    value, edge = layer.value(0), layer.option("Mode")
    for axis, (before, after) in enumerate(_pads(layer)):
        n = layer.shape(0)[axis]
        if max(before, after) > n - (0 if edge else 1):
            raise Damaged(f"{layer.path}: a reflection of {before} and {after} of {n}")
        if before or after:
            index = np.pad(np.arange(n), (before, after), "symmetric" if edge else "reflect")
            value = layer.emit("take", [value], {"axis": axis, "indices": tuple(index.tolist())})
    return value


@converts("RESIZE_NEAREST_NEIGHBOR", "RESIZE_BILINEAR")
def resize(layer: Layer) -> str:
    """RESIZE_NEAREST_NEIGHBOR and RESIZE_BILINEAR to a constant size."""
    size = layer.numbers(1, "a size")
    if len(size) != 2 or min(size) < 1 or len(layer.shape(0)) != 4:
        raise Damaged(f"{layer.path}: size {size} for {layer.shape(0)}")
    attrs: dict[str, Attr] = {
        "size": size,
        "half_pixel": bool(layer.option("HalfPixelCenters", False)),
        "align_corners": bool(layer.option("AlignCorners", False)),
    }
    nearest = layer.op.code == "RESIZE_NEAREST_NEIGHBOR"
    return layer.result("resize_nearest" if nearest else "resize_bilinear", [layer.value(0)], attrs)


@converts("DEPTH_TO_SPACE", "SPACE_TO_DEPTH")
def depth_space(layer: Layer) -> str:
    """DEPTH_TO_SPACE and SPACE_TO_DEPTH."""
    b, x = int(layer.option("BlockSize")), layer.shape(0)
    deep = layer.op.code == "DEPTH_TO_SPACE"
    fits = len(x) == 4 and b > 0 and (x[3] % (b * b) == 0 if deep else x[1] % b == 0 and x[2] % b == 0)
    if not fits:
        raise Damaged(f"{layer.path}: blocks of {b} of {x}")
    n, h, w, c = x
    if deep:
        split, perm = (n, h, w, b, b, c // (b * b)), (0, 1, 3, 2, 4, 5)
        out = (n, h * b, w * b, c // (b * b))
    else:
        split, perm = (n, h // b, b, w // b, b, c), (0, 1, 3, 2, 4, 5)
        out = (n, h // b, w // b, c * b * b)
    y = layer.emit("transpose", [layer.value(0, split)], {"perm": perm})
    return layer.reshape(y, out)
