"""Converters of convolutions, fully connected layers and pools."""

from __future__ import annotations

import math

from edgec.frontends.tflite.builder import Layer, Unsupported, converts
from edgec.frontends.tflite.read import Damaged
from edgec.ir import Attr


def padding(
    layer: Layer, kernel: tuple[int, ...], stride: tuple[int, int], dilation: tuple[int, int]
) -> Attr:
    """SAME or VALID as (top, left, bottom, right); the odd pixel of SAME is at the end."""
    if layer.option("Padding") == 1:  # VALID
        return (0, 0, 0, 0)
    before, after = [], []
    for n, k, s, d in zip(layer.shape(0)[1:3], kernel, stride, dilation, strict=True):
        total = max(0, (-(-n // s) - 1) * s + (k - 1) * d + 1 - n)
        before.append(total // 2)
        after.append(total - total // 2)
    return (*before, *after)


def _pair(layer: Layer, name: str, suffix: str = "") -> tuple[int, int]:
    h, w = (int(layer.option(f"{name}{axis}{suffix}", 1)) for axis in "HW")
    if h < 1 or w < 1:
        raise Damaged(f"{layer.path}: {name} of {h}x{w}")
    return h, w


def _weights(layer: Layer, k: int, shape: tuple[int, ...] | None = None) -> str:
    """The constant weights of operand k."""
    layer.data(k, "weights")
    t = layer.tensor(k)
    if t.quant is not None and any(t.quant.zero_point) and not layer.is_float:
        raise Unsupported(f"weights with the zero point {next(z for z in t.quant.zero_point if z)}")
    if t.dtype not in ("FLOAT32", "FLOAT16", "INT8") or (t.dtype != "INT8" and not layer.is_float):
        raise Unsupported(f"{t.dtype} weights")
    return layer.value(k, shape)


def _bias(layer: Layer, k: int, outputs: int) -> list[str]:
    """The bias of operand k as a list of none or one."""
    if not layer.has(k):
        return []
    data = layer.data(k, "bias")
    if data.size != outputs:
        raise Damaged(f"{layer.path}: a bias of {data.shape} for {outputs} outputs")
    if not layer.is_float and data.dtype.kind != "i":
        raise Unsupported(f"{layer.tensor(k).dtype} bias")
    return [layer.value(k, (outputs,))]


def _image(layer: Layer, k: int) -> tuple[int, ...]:
    if len(layer.shape(k)) != 4:
        raise Damaged(f"{layer.path}: operand {k} has the shape {layer.shape(k)}")
    return layer.shape(k)


@converts("CONV_2D")
def conv_2d(layer: Layer) -> str:
    """CONV_2D; fewer input channels in the weights than in the image mean groups."""
    w, x = _image(layer, 1), _image(layer, 0)
    if w[3] < 1 or x[3] % w[3]:
        raise Damaged(f"{layer.path}: weights {w} for an image {x}")
    stride, dilation = _pair(layer, "Stride"), _pair(layer, "Dilation", "Factor")
    attrs: dict[str, Attr] = {
        "stride": stride,
        "dilation": dilation,
        "padding": padding(layer, w[1:3], stride, dilation),
        "groups": x[3] // w[3],
        "activation": layer.activation(),
    }
    return layer.result("conv2d", [layer.value(0), _weights(layer, 1), *_bias(layer, 2, w[0])], attrs)


@converts("DEPTHWISE_CONV_2D")
def depthwise_conv_2d(layer: Layer) -> str:
    """DEPTHWISE_CONV_2D with weights [1,KH,KW,C*m]."""
    w, _ = _image(layer, 1), _image(layer, 0)
    if w[0] != 1:
        raise Damaged(f"{layer.path}: depthwise weights {w}")
    stride, dilation = _pair(layer, "Stride"), _pair(layer, "Dilation", "Factor")
    attrs: dict[str, Attr] = {
        "stride": stride,
        "dilation": dilation,
        "padding": padding(layer, w[1:3], stride, dilation),
        "activation": layer.activation(),
    }
    weights = _weights(layer, 1, w[1:])
    return layer.result("depthwise_conv2d", [layer.value(0), weights, *_bias(layer, 2, w[3])], attrs)


@converts("TRANSPOSE_CONV")
def transpose_conv(layer: Layer) -> str:
    """TRANSPOSE_CONV: operands are the output's shape, weights, image and perhaps a bias."""
    size = layer.numbers(0, "an output shape")
    w, x = _image(layer, 1), _image(layer, 2)
    if len(size) != 4 or w[3] != x[3] or layer.activation():
        raise Unsupported("weights, output shape or activation of this form")
    stride = _pair(layer, "Stride")
    before, after, more = [], [], []
    for n, out, k, s in zip(x[1:3], size[1:3], w[1:3], stride, strict=True):
        full = (n - 1) * s + k
        total = max(0, full - out)
        if layer.option("Padding") == 1 and total:
            raise Damaged(f"{layer.path}: an output of {size} with VALID padding")
        before.append(total // 2)
        after.append(total - total // 2)
        more.append(max(0, out - full))
    attrs: dict[str, Attr] = {
        "stride": stride,
        "padding": (*before, *after),
        "output_padding": tuple(more),
        "dilation": (1, 1),
        "groups": 1,
    }
    return layer.result(
        "conv_transpose2d", [layer.value(2), _weights(layer, 1), *_bias(layer, 3, w[0])], attrs
    )


@converts("FULLY_CONNECTED")
def fully_connected(layer: Layer) -> str:
    """FULLY_CONNECTED; the input is flattened to vectors first."""
    if layer.option("WeightsFormat"):
        raise Unsupported("shuffled weights")
    w, x = layer.shape(1), layer.shape(0)
    size = layer.type(layer.value(0)).size
    if len(w) != 2 or w[1] < 1 or size % w[1]:
        raise Damaged(f"{layer.path}: weights {w} for an input {x}")
    keep = layer.option("KeepNumDims", False) and x and x[-1] == w[1]
    rows = x if keep else (size // w[1], w[1])
    operands = [layer.value(0, rows), _weights(layer, 1), *_bias(layer, 2, w[0])]
    y = layer.result("linear", operands, {"activation": layer.activation()})
    fits = layer.out and layer.type(y).size == math.prod(layer.out)
    return layer.reshape(y, layer.out) if fits else y


@converts("AVERAGE_POOL_2D", "MAX_POOL_2D")
def pool_2d(layer: Layer) -> str:
    """AVERAGE_POOL_2D and MAX_POOL_2D."""
    _image(layer, 0)
    h, w = int(layer.option("FilterHeight", 1)), int(layer.option("FilterWidth", 1))
    stride = _pair(layer, "Stride")
    attrs: dict[str, Attr] = {
        "kernel": (h, w),
        "stride": stride,
        "padding": padding(layer, (h, w), stride, (1, 1)),
        "activation": layer.activation(),
    }
    return layer.result("avg_pool2d" if layer.op.code[0] == "A" else "max_pool2d", [layer.value(0)], attrs)
