"""Convolutions, plain, depthwise and transposed, in one and two dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from edgec.frontends.torch.builder import Act, Builder, Const, Operand, Unsupported, lowers

if TYPE_CHECKING:
    import torch


@lowers("convolution")
def _convolution(
    b: Builder,
    x: Operand,
    w: Operand,
    bias: Operand | None,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    transposed: bool,
    output_padding: Sequence[int],
    groups: int,
) -> Any:
    if not isinstance(w, Const) or not (bias is None or isinstance(bias, Const)):
        raise Unsupported("weights that are computed at run time")
    spatial = len(w.shape) - 2
    if spatial == 3 and not transposed and len(x.shape) == 5:
        return _convolution3d(b, x, w, bias, stride, padding, dilation, groups)
    data = w.data if spatial == 2 else w.data.unsqueeze(-1)
    if spatial > 2:
        raise Unsupported(f"{spatial} spatial dimensions")
    rest = [] if bias is None else [bias]
    s, d = _pair(stride, 1), _pair(dilation, 1)
    ph, pw = _pair(padding, 0)
    if transposed:
        attrs = {
            "stride": s,
            "padding": (ph, pw, ph, pw),
            "output_padding": _pair(output_padding, 0),
            "dilation": d,
            "groups": groups,
        }
        kernel = Const(_transposed_weights(data, groups), w.origin)
        return b.channels_last(x, spatial, lambda y: b.emit("conv_transpose2d", [y, kernel, *rest], attrs))
    pads = (ph, pw, ph, pw)
    if groups > 1 and data.shape[1] == 1:
        kernel = Const(data[:, 0].permute(1, 2, 0), w.origin)
        attrs = {"stride": s, "padding": pads, "dilation": d}
        return b.channels_last(x, spatial, lambda y: b.emit("depthwise_conv2d", [y, kernel, *rest], attrs))
    kernel = Const(data.permute(0, 2, 3, 1), w.origin)
    attrs = {"stride": s, "padding": pads, "dilation": d, "groups": groups}
    return b.channels_last(x, spatial, lambda y: b.emit("conv2d", [y, kernel, *rest], attrs))


def _convolution3d(
    b: Builder,
    x: Operand,
    w: Const,
    bias: Operand | None,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
) -> Any:
    """A 3-D convolution that does nothing along one axis: a 2-D one with that axis in the batch."""
    idle = [k for k in range(3) if (w.shape[2 + k], stride[k], padding[k]) == (1, 1, 0)]
    if not idle:
        raise Unsupported("3 spatial dimensions")
    axis = idle[0]
    order = [0, 2 + axis, 1, *(2 + k for k in range(3) if k != axis)]
    moved = b.transpose(x, order)
    flat = b.reshape(moved, (-1, *moved.shape[2:]))
    planar = Const(w.data.select(2 + axis, 0), w.origin)
    s, p, d = ([v[k] for k in range(3) if k != axis] for v in (stride, padding, dilation))
    y = _convolution(b, flat, planar, bias, s, p, d, False, (0, 0), groups)
    y = b.reshape(y, (*moved.shape[:2], *y.shape[1:]))
    return b.transpose(y, [order.index(k) for k in range(5)])


def _transposed_weights(w: torch.Tensor, groups: int) -> torch.Tensor:
    """torch's [C, O/groups, KH, KW] as [O, KH, KW, C/groups]."""
    c, o, kh, kw = w.shape
    grouped = w.reshape(groups, c // groups, o, kh, kw).permute(0, 2, 3, 4, 1)
    return grouped.reshape(groups * o, kh, kw, c // groups)


def _pair(values: Sequence[int], missing: int) -> tuple[int, int]:
    """Two numbers for H and W; a 1-D op is one of width one."""
    return (int(values[0]), int(values[1]) if len(values) > 1 else missing)


@lowers("col2im")
def _fold(
    b: Builder,
    x: Operand,
    size: Sequence[int],
    kernel: Sequence[int],
    dilation: Sequence[int],
    padding: Sequence[int],
    stride: Sequence[int],
) -> Any:
    """F.fold: [N, C*KH*KW, L] to [N, C, H, W], overlaps summed."""
    import torch

    (h, w), (kh, kw) = size, kernel
    n, c = x.shape[0], x.shape[1] // (kh * kw)
    oh, ow = ((size[k] + 2 * padding[k] - dilation[k] * (kernel[k] - 1) - 1) // stride[k] + 1 for k in (0, 1))
    tiles = (oh * kh, ow * kw) == (h, w) and list(stride) == list(kernel) and list(dilation) == [1, 1]
    if tiles and not any(padding):
        y = b.transpose(b.reshape(x, (n, c, kh, kw, oh, ow)), (0, 1, 4, 2, 5, 3))
        return b.reshape(y, (n, c, h, w))
    image = b.reshape(x, (n, c * kh * kw, oh, ow))
    pick = torch.eye(kh * kw).reshape(1, kh * kw, 1, kh, kw).expand(c, -1, -1, -1, -1)
    weights = b.tensor(pick.reshape(c * kh * kw, 1, kh, kw), "fold")
    spare = [size[k] + 2 * padding[k] - ((o - 1) * stride[k] + dilation[k] * (kernel[k] - 1) + 1)
             for k, o in enumerate((oh, ow))]  # fmt: skip
    return _convolution(b, image, weights, None, stride, padding, dilation, True, spare, c)


@lowers("im2col")
def _unfold(
    b: Builder,
    x: Operand,
    kernel: Sequence[int],
    dilation: Sequence[int],
    padding: Sequence[int],
    stride: Sequence[int],
) -> Any:
    """F.unfold: [N, C, H, W] to [N, C*KH*KW, L]."""
    n, c = x.shape[:2]
    x = b.pad(x, [(0, 0), (0, 0), (padding[0], padding[0]), (padding[1], padding[1])])
    counts = []
    for axis, k, d, s in ((2, kernel[0], dilation[0], stride[0]), (4, kernel[1], dilation[1], stride[1])):
        size = x.shape[axis]
        count = (size - d * (k - 1) - 1) // s + 1
        index = [i * d + o * s for i in range(k) for o in range(count)]
        x = b.take(x, axis, index)
        x = b.reshape(x, (*x.shape[:axis], k, count, *x.shape[axis + 1 :]))
        counts.append(count)
    y = b.transpose(x, (0, 1, 2, 4, 3, 5))
    return b.reshape(y, (n, c * kernel[0] * kernel[1], counts[0] * counts[1]))


@lowers("unfold")
def _sliding(b: Builder, x: Act, axis: int, size: int, step: int) -> Any:
    """Tensor.unfold: windows of an axis, their elements on a new last axis."""
    axis %= len(x.shape)
    count = (x.shape[axis] - size) // step + 1
    y = b.take(x, axis, [o * step + i for o in range(count) for i in range(size)])
    y = b.reshape(y, (*x.shape[:axis], count, size, *x.shape[axis + 1 :]))
    order = [k for k in range(len(y.shape)) if k != axis + 1]
    return b.transpose(y, [*order, axis + 1])
