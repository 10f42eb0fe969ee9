"""Over a hundred small integer networks of the shapes that real ones have, drawn from seeds.

`NETS` names them all, family by family; `build` makes one. They have at most some 30 ops and maps of
at most 16 x 16, so that a plan is made, checked and run in a fraction of a second.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from edgec.ir import Graph
from edgec.ir.verify import verify
from edgec.ops.base import infer_types
from tests.schedule.layers import ACTIVATIONS, Net, Padding

Family = Callable[[Net], Graph]


def chain(n: Net) -> Graph:
    """Convolutions of every kind behind each other."""
    x = n.image()
    for _ in range(n.whole(2, 9)):
        _, h, w, c = n.shape(x)
        stride = 2 if min(h, w) >= 6 and n.chance(0.3) else 1
        dilation = 2 if min(h, w) >= 6 and stride == 1 and n.chance(0.25) else 1
        padding: Padding = "same"
        if n.chance(0.3):
            padding = (n.whole(0, 2), n.whole(0, 2), n.whole(0, 2), n.whole(0, 2))
        if min(h, w) < 5:
            padding = "same"
        activation = n.pick(*ACTIVATIONS)
        match n.pick("conv", "depthwise", "pointwise", "pool", "separable", "multiplied"):
            case "conv":
                x = n.conv(x, n.whole(1, 12), n.whole(2, 3), stride, dilation, padding, activation)
            case "depthwise":
                x = n.depthwise(x, n.whole(2, 3), stride, dilation, padding, activation)
            case "multiplied":
                x = n.depthwise(x, 3, stride, 1, padding, activation, multiplier=2 if c < 8 else 1)
            case "pool" if min(h, w) >= 4:
                kernel = n.whole(2, 3)
                op = n.pick("max_pool2d", "avg_pool2d")
                x = n.pool(x, op, kernel, n.whole(1, kernel), "same" if n.chance() else "valid")
            case "separable":
                x = n.separable(x, n.whole(2, 16), stride)
            case _:
                x = n.conv(x, n.whole(2, 16), 1, activation=activation)
    return n.integer(n.head(x) if n.chance(0.6) else x)


def mobile(n: Net) -> Graph:
    """Separable convolutions in which channels double where the map halves."""
    x = n.conv(n.input(n.whole(12, 16), n.whole(10, 16), 3), 4, stride=2)
    for k in range(n.whole(3, 6)):
        x = n.separable(x, n.shape(x)[3] * (1 + k % 2), stride=1 + k % 2)
    return n.integer(n.head(x))


def residual(n: Net) -> Graph:
    """Residual blocks, some with a strided or widened shortcut, some behind a bottleneck."""
    x = n.conv(n.image(), 4)
    for _ in range(n.whole(1, 4)):
        _, h, w, c = n.shape(x)
        stride = 2 if min(h, w) >= 6 and n.chance(0.4) else 1
        out = c if stride == 1 and n.chance(0.6) else n.whole(4, 12)
        if n.chance():
            y = n.conv(n.conv(x, out, stride=stride), out, activation="")
        else:
            y = n.conv(n.conv(n.conv(x, 3, 1), 3, stride=stride), out, 1, activation="")
        short = x if stride == 1 and out == c else n.conv(x, out, 1, stride=stride, activation="")
        if stride == 2 and n.chance(0.3):  # the shortcut is an average of pixels, not one of them
            short = n.conv(n.pool(x, "avg_pool2d", 2, 2, "same"), out, 1, activation="")
        x = n.add(y, short, "relu") if n.chance() else n.add(short, y)
    return n.integer(n.head(x) if n.chance(0.7) else x)


def inverted(n: Net) -> Graph:
    """Inverted residuals: wide inside, thin between."""
    x = n.conv(n.image(10, 14), 4, stride=2)
    for _ in range(n.whole(2, 4)):
        c = n.shape(x)[3]
        stride = 2 if min(n.shape(x)[1:3]) >= 5 and n.chance(0.4) else 1
        out = c if n.chance(0.6) else c + 2
        y = n.conv(x, c * n.whole(2, 6), 1, activation="relu6")
        y = n.conv(n.depthwise(y, n.pick(3, 3, 5), stride), out, 1, activation="")
        x = n.add(x, y) if stride == 1 and out == c else y
    return n.integer(n.head(n.conv(x, 16, 1)))


def dense(n: Net) -> Graph:
    """Every layer reads all maps before it, joined."""
    x = n.conv(n.image(), 4)
    for block in range(n.whole(1, 2)):
        maps = [x]
        for _ in range(n.whole(2, 3)):
            seen = n.concat(*maps) if len(maps) > 1 else maps[0]
            maps.append(n.conv(n.conv(seen, 6, 1), n.whole(2, 4)))
        x = n.concat(*maps)
        if block == 0:
            x = n.pool(n.conv(x, 4, 1), "avg_pool2d")
    return n.integer(n.head(x) if n.chance() else x)


def inception(n: Net) -> Graph:
    """Branches of different depth and reach, joined."""
    x = n.conv(n.image(), 4)
    for _ in range(n.whole(1, 2)):
        stride = 2 if n.chance(0.3) else 1
        branches = [
            n.conv(x, n.whole(1, 5), 1, stride=stride),
            n.conv(n.conv(x, 3, 1), n.whole(1, 5), 3, stride=stride),
            n.conv(n.conv(n.conv(x, 2, 1), 3, 3), n.whole(1, 5), 5, stride=stride),
            n.conv(n.pool(x, "max_pool2d", 3, stride, "same"), n.whole(1, 5), 1),
        ]
        if n.chance():
            branches.append(n.conv(n.conv(x, 3, (1, 5), stride=1), 2, (5, 1), stride=stride))
        x = n.concat(*branches[n.whole(0, 1) :])
    return n.integer(n.head(x) if n.chance() else x)


def unet(n: Net) -> Graph:
    """Down and up again, with joins or sums across."""
    x = n.conv(n.image(8, 13), 4)
    skips = []
    for _ in range(n.whole(1, 2)):
        skips.append(x)
        down = n.pool(x, padding="same") if n.chance() else n.conv(x, n.shape(x)[3], stride=2)
        x = n.conv(down, n.shape(x)[3] + 2)
    for skip in reversed(skips):
        _, h, w, c = n.shape(skip)
        match n.pick("nearest", "bilinear", "transposed"):
            case "nearest":
                x = n.upsample(x, (h, w))
            case "bilinear":
                x = n.upsample(x, (h, w), "resize_bilinear")
            case _:
                x = n.transposed(x, c, (h, w))
        if n.chance(0.7):
            x = n.conv(n.concat(skip, x) if n.chance() else n.concat(x, skip), c)
        else:
            x = n.add(n.conv(x, c, 1, activation=""), skip, "relu")
    return n.integer(n.conv(x, n.whole(1, 3), 1, activation=""))


def gated(n: Net) -> Graph:
    """Squeeze-and-excite in inverted residuals: a barrier, all rows before the first."""
    x = n.conv(n.image(), 4, stride=int(n.chance()) + 1)
    for _ in range(n.whole(1, 3)):
        c = n.shape(x)[3]
        y = n.depthwise(n.conv(x, c * 2, 1), 3)
        y = n.conv(n.squeeze_excite(y), c, 1, activation="")
        x = n.add(x, y) if n.chance(0.7) else y
    return n.integer(n.head(n.function(x, "hard_swish")) if n.chance() else x)


def detector(n: Net) -> Graph:
    """A pyramid: heads at two or three scales, top-down upsampling."""
    x = n.conv(n.image(12, 14), 4, stride=1 + n.whole(0, 1))
    levels = [x]
    for _ in range(n.whole(1, 2)):
        levels.append(x := n.conv(n.separable(x, n.shape(x)[3] + 2, stride=2), n.shape(x)[3] + 2, 1))
    outputs = [n.conv(x, 5, 1, activation="")]
    top = n.conv(x, 4, 1)
    for level in reversed(levels[:-1]):
        _, h, w, _ = n.shape(level)
        up = n.upsample(top, (h, w))
        side = n.conv(level, 4, 1)
        top = n.conv(n.concat(up, side) if n.chance() else n.add(up, side), 4)
        outputs.append(n.conv(top, 5, 1 + 2 * n.whole(0, 1), activation=""))
    if n.chance(0.4):
        outputs.append(n.head(levels[-1]))
    return n.integer(*outputs)


def split(n: Net) -> Graph:
    """Channels or rows go different ways and meet again; shuffles of channels."""
    x = n.conv(n.image(), 8)
    for _ in range(n.whole(1, 2)):
        _, h, _, c = n.shape(x)
        half = c // 2
        if n.chance(0.7):
            left, right = n.part(x, 0, half), n.part(x, half, c)
            x = n.concat(left, n.conv(n.depthwise(right), half, 1))
        elif h >= 6:
            upper, lower = n.part(x, 0, h // 2, axis=1), n.part(x, h // 2, h, axis=1)
            x = n.concat(n.conv(upper, c), lower, axis=1)
        else:
            even, odd = n.part(x, 0, c, step=2), n.part(x, 1, c, step=2)
            x = n.concat(odd, even)
        x = n.conv(x, 8, 1)
    return n.integer(n.head(x) if n.chance() else x)


def several_inputs(n: Net) -> Graph:
    """Two or three inputs that meet early or late, and maybe an unequal number of rows."""
    h, w = n.whole(6, 10), n.whole(6, 10)
    ways = [n.conv(n.input(h, w, n.whole(1, 3)), 4, stride=1) for _ in range(2)]
    for _ in range(n.whole(0, 2)):
        ways[0] = n.conv(ways[0], 4)
    x = n.concat(*ways) if n.chance() else n.add(*ways)
    x = n.conv(x, 6, stride=2)
    if n.chance():  # what is known besides the picture
        fact = n.linear(n.input(n.whole(2, 6)), 5, "relu")
        y = n.concat(n.linear(n.flat(x), 5), fact)
        return n.integer(n.linear(y, 4))
    return n.integer(n.head(x), *([ways[1]] if n.chance(0.3) else []))


def transformer(n: Net) -> Graph:
    """A vision transformer: patches, class token, positions, blocks, a head."""
    size = n.whole(2, 4)
    heads = n.whole(1, 3)
    token = n.chance(0.6)
    width = heads * n.whole(3, 6)
    x = n.patches(n.input(size * n.whole(3, 4), size * n.whole(2, 4), n.whole(1, 3)), size, width, token)
    for _ in range(n.whole(1, 2)):
        x = n.block(x, heads, n.chance(), ratio=n.whole(2, 4))
    if n.chance():  # residual streams are wide, as calibration would choose
        n.wide = {v for node in n.graph if node.op == "add" for v in node.outputs}
    x = n.norm(x)
    if token and n.chance(0.7):
        x = n.op("reshape", [n.part(x, 0, 1, axis=1)], {"shape": (1, width)})
    else:
        x = n.op("mean", [x], {"axes": (1,), "keepdims": False})
    return n.integer(n.linear(x, 7))


def hybrid(n: Net) -> Graph:
    """Convolutions in front of a transformer block, and a map again behind it."""
    x = n.conv(n.image(6, 8), 8, stride=2)
    _, h, w, c = n.shape(x)
    y = n.op("reshape", [x], {"shape": (1, h * w, c)})
    y = n.block(y, n.whole(1, 2), n.chance())
    y = n.op("reshape", [y], {"shape": (1, h, w, c)})
    x = n.conv(n.add(x, y) if n.chance() else n.concat(x, y), 6)
    return n.integer(n.head(x))


def signal(n: Net) -> Graph:
    """Convolutions in time."""
    x = n.input(n.whole(12, 30), 1, n.whole(1, 6))
    for _ in range(n.whole(2, 6)):
        _, length, _, c = n.shape(x)
        stride = 2 if length >= 8 and n.chance(0.3) else 1
        dilation = n.pick(1, 1, 2, 3) if stride == 1 and length >= 8 else 1
        match n.pick("conv", "depthwise", "residual", "pool"):
            case "conv":
                x = n.conv(x, n.whole(2, 10), n.whole(2, 5), stride, dilation)
            case "depthwise":
                pads: Padding = (2 * dilation, 0, 0, 0) if n.chance() else "same"
                x = n.conv(n.depthwise(x, 3, stride, dilation, pads), n.whole(2, 10), 1)
            case "residual":
                x = n.add(x, n.conv(x, c, 3, 1, dilation, activation=""))
            case _:
                x = n.pool(x, "max_pool2d", 2, stride, "same")
    return n.integer(n.head(x) if n.chance() else x)


def twice(n: Net) -> Graph:
    """The input is read near by and again later on."""
    x = n.image()
    c = n.shape(x)[3]
    y = n.conv(x, 4)
    for _ in range(n.whole(0, 3)):
        y = n.conv(y, 4)
    match n.pick("joined", "added", "pooled"):
        case "joined":
            y = n.concat(x, y)
        case "added":
            y = n.add(n.conv(y, c, 1, activation=""), x)
        case _:
            y = n.concat(n.pool(x, padding="same"), n.conv(y, 4, stride=2))
    return n.integer(n.head(n.conv(y, 6)) if n.chance() else n.conv(y, 3))


def tokens(n: Net) -> Graph:
    """Perceptrons over tokens or vectors, with gates and norms."""
    t, c = n.whole(1, 9), n.whole(4, 10)
    x = n.input(t, c) if n.chance(0.7) else n.input(c)
    for _ in range(n.whole(1, 4)):
        y = n.norm(n.linear(x, 2 * c, "relu"))
        y = n.linear(n.function(y, n.pick("gelu", "silu", "tanh")), c)
        if n.chance(0.4):
            y = n.op("mul", [y, n.function(n.linear(x, c), "sigmoid")])
        x = n.add(x, y) if n.chance() else y
    return n.integer(n.linear(x, n.whole(1, 20)))


def tangle(n: Net) -> Graph:
    """Any layer over any earlier ones; several of them are outputs."""
    values = [n.image(6, 9)]
    for _ in range(n.whole(4, 10)):
        x, y = (values[n.whole(max(0, len(values) - 4), len(values) - 1)] for _ in range(2))
        match n.pick("conv", "depthwise", "add", "concat", "function", "pool", "gate", "dilated"):
            case "conv":
                values.append(n.conv(x, n.whole(1, 6)))
            case "dilated":
                values.append(n.conv(x, n.whole(1, 6), 3, dilation=2))
            case "depthwise":
                values.append(n.depthwise(x))
            case "add" if n.shape(x) == n.shape(y):
                values.append(n.add(x, y))
            case "concat" if n.shape(x)[3] + n.shape(y)[3] <= 16:
                values.append(n.concat(x, y))
            case "function":
                values.append(n.function(x, "hard_swish"))
            case "gate":
                values.append(n.squeeze_excite(x))
            case _:
                values.append(n.pool(x, "max_pool2d", 3, 1, "same"))
    ends = [v for v in values[1:] if not n.graph.consumers(v)] + [values[n.whole(1, len(values) - 1)]]
    return n.integer(*dict.fromkeys(ends))


FAMILIES: dict[Family, int] = {
    chain: 18,
    mobile: 5,
    residual: 10,
    inverted: 8,
    dense: 6,
    inception: 4,
    unet: 10,
    gated: 7,
    detector: 9,
    split: 7,
    several_inputs: 7,
    transformer: 10,
    hybrid: 4,
    signal: 9,
    twice: 7,
    tokens: 5,
    tangle: 10,
}
"""How many networks of each family there are."""

NETS = tuple(f"{family.__name__}-{k}" for family, count in FAMILIES.items() for k in range(count))
_BY_NAME = {family.__name__: family for family in FAMILIES}


@cache
def build(name: str) -> Graph:
    """The network of that name, verified. It is the same object every time: leave it unchanged."""
    family, _, seed = name.rpartition("-")
    graph = _BY_NAME[family](Net(name, int(seed)))
    verify(graph, infer_types)
    return graph
