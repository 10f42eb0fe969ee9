"""Layers of small drawn networks: a float graph with random weights, made integer by one sample's ranges."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from edgec.ir import Attr, Graph, TensorType
from edgec.ops.base import add_op
from edgec.ops.interpret import evaluate
from edgec.quant.formats import Range
from edgec.quant.ptq import quantize_graph

T = TypeVar("T")
Pair = tuple[int, int]
Padding = str | tuple[int, int, int, int]
ACTIVATIONS = ("", "relu", "relu6")


class Net:
    """A network under construction. Maps are [1,H,W,C], tokens [1,T,C]; a layer returns its result's name."""

    def __init__(self, name: str, seed: int) -> None:
        self.graph = Graph(name)
        self.rng = np.random.default_rng([seed, *name.encode()])
        self.wide: set[str] = set()

    # -- drawing ----------------------------------------------------------

    def pick(self, *options: T) -> T:
        """One of the options."""
        return options[int(self.rng.integers(len(options)))]

    def whole(self, low: int, high: int) -> int:
        """An integer, both ends included."""
        return int(self.rng.integers(low, high, endpoint=True))

    def chance(self, p: float = 0.5) -> bool:
        """True with the given probability."""
        return bool(self.rng.random() < p)

    # -- values -----------------------------------------------------------

    def shape(self, x: str) -> tuple[int, ...]:
        """The shape of a value."""
        return self.graph.type(x).shape

    def input(self, *shape: int) -> str:
        """A further graph input of [1, *shape]."""
        layout = "NHWC" if len(shape) == 3 else ""
        name = f"x{len(self.graph.inputs)}"
        return self.graph.add_input(name, TensorType((1, *shape), layout=layout))

    def image(self, low: int = 8, high: int = 14) -> str:
        """An input map of drawn size, seldom square."""
        return self.input(self.whole(low, high), self.whole(low, high), self.whole(1, 4))

    def weights(self, *shape: int, fan: int = 1) -> str:
        """A constant of normal numbers over the root of `fan`."""
        data = self.rng.normal(0, 1 / math.sqrt(fan), shape)
        return self.graph.add_constant("w", data.astype(np.float32))

    def bias(self, n: int) -> str:
        """A constant of numbers mostly positive, so that few channels are silenced."""
        return self.graph.add_constant("b", self.rng.normal(0.4, 0.3, n).astype(np.float32))

    def op(self, op: str, inputs: Sequence[str], attrs: dict[str, Attr] | None = None) -> str:
        """Any op with one result."""
        (value,) = add_op(self.graph, op, inputs, attrs, path=f"net.{op}{len(self.graph)}")
        return value

    def integer(self, *outputs: str) -> Graph:
        """The integer graph with these outputs."""
        self.graph.outputs = list(outputs)
        self.graph.prune()
        found: dict[str, Range] = {}

        def observe(value: str, x: np.ndarray) -> None:
            found[value] = Range.of(x.min(initial=0), x.max(initial=0))

        sample = {v: self.rng.normal(0, 1, self.shape(v)).astype(np.float32) for v in self.graph.inputs}
        for v, x in sample.items():
            observe(v, x)
        evaluate(self.graph, sample, observe)
        return quantize_graph(self.graph, found, self.wide & set(self.graph.values))

    # -- layers of maps ---------------------------------------------------

    def conv(
        self,
        x: str,
        channels: int,
        kernel: int | Pair = 3,
        stride: int = 1,
        dilation: int = 1,
        padding: Padding = "same",
        activation: str = "relu",
    ) -> str:
        """A convolution; in height only for a map of width one."""
        kh, kw = self._kernel(x, kernel)
        c = self.shape(x)[3]
        w = self.weights(channels, kh, kw, c, fan=kh * kw * c)
        b = self.bias(channels)
        return self.op(
            "conv2d",
            [x, w, b],
            self._window(x, (kh, kw), stride, dilation, padding, activation) | {"groups": 1},
        )

    def depthwise(
        self,
        x: str,
        kernel: int | Pair = 3,
        stride: int = 1,
        dilation: int = 1,
        padding: Padding = "same",
        activation: str = "relu6",
        multiplier: int = 1,
    ) -> str:
        """A depthwise convolution."""
        kh, kw = self._kernel(x, kernel)
        channels = self.shape(x)[3] * multiplier
        w, b = self.weights(kh, kw, channels, fan=kh * kw), self.bias(channels)
        return self.op(
            "depthwise_conv2d", [x, w, b], self._window(x, (kh, kw), stride, dilation, padding, activation)
        )

    def pool(
        self, x: str, op: str = "max_pool2d", kernel: int = 2, stride: int = 2, padding: Padding = "valid"
    ) -> str:
        """Pooling."""
        kh, kw = self._kernel(x, kernel)
        return self.op(op, [x], self._window(x, (kh, kw), stride, 1, padding, "") | {"kernel": (kh, kw)})

    def upsample(self, x: str, size: Pair, op: str = "resize_nearest") -> str:
        """Nearest or bilinear resizing."""
        half = self.chance() if op == "resize_nearest" else True
        return self.op(op, [x], {"size": size, "half_pixel": half, "align_corners": False})

    def transposed(self, x: str, channels: int, size: Pair) -> str:
        """A transposed convolution of stride 2 to about twice the size, cropped or padded to `size`."""
        _, h, w, c = self.shape(x)
        k = self.pick(2, 3)
        weights = self.weights(channels, k, k, c, fan=k * c)
        extra = tuple(n - ((m - 1) * 2 + k) for n, m in zip(size, (h, w), strict=True))
        cut = tuple(max(-e, 0) for e in extra)
        attrs: dict[str, Attr] = {
            "stride": (2, 2),
            "dilation": (1, 1),
            "groups": 1,
            "padding": (cut[0] // 2, cut[1] // 2, cut[0] - cut[0] // 2, cut[1] - cut[1] // 2),
            "output_padding": tuple(max(e, 0) for e in extra),
        }
        return self.op("conv_transpose2d", [x, weights, self.bias(channels)], attrs)

    def separable(self, x: str, channels: int, stride: int = 1, kernel: int = 3) -> str:
        """A depthwise and a pointwise convolution."""
        return self.conv(self.depthwise(x, kernel, stride), channels, 1)

    def squeeze_excite(self, x: str, reduction: int = 2) -> str:
        """Every channel times a gate that is computed from the whole map."""
        c = self.shape(x)[3]
        y = self.op("mean", [x], {"axes": (1, 2), "keepdims": True})
        y = self.conv(y, max(c // reduction, 1), 1)
        y = self.function(self.conv(y, c, 1, activation=""), self.pick("sigmoid", "hard_sigmoid"))
        return self.op("mul", [x, y])

    def flat(self, x: str) -> str:
        """The map as a vector: its mean, its maximum, or all of it."""
        _, h, w, c = self.shape(x)
        if h * w * c <= 300 and self.chance(0.4):
            return self.op("reshape", [x], {"shape": (1, h * w * c)})
        reduce = "mean" if self.chance(0.75) else "reduce_max"
        return self.op(reduce, [x], {"axes": (1, 2), "keepdims": False})

    def head(self, x: str, classes: int = 10) -> str:
        """Class scores from a map, sometimes as probabilities."""
        y = self.linear(self.flat(x), classes)
        return self.op("softmax", [y], {"beta": 1.0}) if self.chance(0.3) else y

    # -- layers of anything -----------------------------------------------

    def linear(self, x: str, outputs: int, activation: str = "") -> str:
        """A fully connected layer over the last axis."""
        k = self.shape(x)[-1]
        w, b = self.weights(outputs, k, fan=k), self.bias(outputs)
        return self.op("linear", [x, w, b], {"activation": activation})

    def function(self, x: str, fn: str) -> str:
        """A function of one variable."""
        return self.op("pointwise", [x], {"fn": fn})

    def add(self, a: str, b: str, activation: str = "") -> str:
        """A sum."""
        return self.op("add", [a, b], {"activation": activation})

    def concat(self, *xs: str, axis: int = -1) -> str:
        """Joined along an axis, the last unless said otherwise."""
        return self.op("concat", xs, {"axis": axis % len(self.shape(xs[0]))})

    def part(self, x: str, begin: int, end: int, axis: int = -1, step: int = 1) -> str:
        """A slice along one axis."""
        shape = self.shape(x)
        axis %= len(shape)
        sizes = [-(-(end - begin) // step) if k == axis else n for k, n in enumerate(shape)]
        strides = [math.prod(shape[k + 1 :]) for k in range(len(shape))]
        offset = begin * strides[axis]
        strides[axis] *= step
        attrs: dict[str, Attr] = {
            "shape": tuple(sizes),
            "sizes": tuple(sizes),
            "strides": tuple(strides),
            "offset": offset,
        }
        return self.op("strided_copy", [x], attrs)

    # -- layers of tokens -------------------------------------------------

    def norm(self, x: str) -> str:
        """A layer norm."""
        c = self.shape(x)[-1]
        gamma = self.graph.add_constant("g", self.rng.normal(1, 0.2, c).astype(np.float32))
        return self.op("layer_norm", [x, gamma, self.weights(c, fan=9)], {"epsilon": 1e-5, "rms": False})

    def patches(self, x: str, size: int, width: int, class_token: bool) -> str:
        """Patch embedding, class token and position."""
        _, h, w, _ = self.shape(x)
        y = self.conv(x, width, size, stride=size, padding="valid", activation="")
        count = (h // size) * (w // size)
        y = self.op("reshape", [y], {"shape": (1, count, width)})
        if class_token:
            y = self.concat(self.weights(1, 1, width), y, axis=1)
        return self.add(y, self.weights(1, count + class_token, width, fan=4))

    def attention(self, x: str, heads: int, fused: bool) -> str:
        """Self-attention with one projection for q, k and v, or one each."""
        _, t, c = self.shape(x)
        d = c // heads
        if fused:
            qkv = [self.linear(x, 3 * c)] * 3
            views = [(k * c, 3 * t * c, d, 3 * c) for k in range(3)]
        else:
            qkv = [self.linear(x, c) for _ in range(3)]
            views = [(0, t * c, d, c)] * 3
        attrs: dict[str, Attr] = {"dims": (1, heads, t, t, d, d), "scale": d**-0.5}
        attrs |= {f"{n}_view": view for n, view in zip("qkv", views, strict=True)}
        y = self.op("attention", qkv, attrs)
        return self.linear(self.op("reshape", [y], {"shape": (1, t, c)}), c)

    def block(self, x: str, heads: int, fused: bool, ratio: int = 2) -> str:
        """A transformer block, normalised in front."""
        c = self.shape(x)[-1]
        x = self.add(x, self.attention(self.norm(x), heads, fused))
        y = self.function(self.linear(self.norm(x), ratio * c), "gelu")
        return self.add(x, self.linear(y, c))

    # -- inside -----------------------------------------------------------

    def _kernel(self, x: str, kernel: int | Pair) -> Pair:
        kh, kw = (kernel, kernel) if isinstance(kernel, int) else kernel
        return kh, kw if self.shape(x)[2] > 1 else 1

    def _window(
        self, x: str, kernel: Pair, stride: int, dilation: int, padding: Padding, activation: str
    ) -> dict[str, Attr]:
        _, h, w, _ = self.shape(x)
        strides = (stride, stride if w > 1 else 1)
        if padding == "same":
            pads = []
            for n, k, s in zip((h, w), kernel, strides, strict=True):
                total = max((-(-n // s) - 1) * s + (k - 1) * dilation + 1 - n, 0)
                pads.append((total // 2, total - total // 2))
            padding = (pads[0][0], pads[1][0], pads[0][1], pads[1][1])
        elif padding == "valid":
            padding = (0, 0, 0, 0)
        assert not isinstance(padding, str)
        return {
            "stride": strides,
            "dilation": (dilation, dilation),
            "padding": padding,
            "activation": activation,
        }
