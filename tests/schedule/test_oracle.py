"""The planner's peak against exhaustive search, on small networks of every shape."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from edgec.ir import Graph
from edgec.ops.base import call_of
from edgec.schedule import check_plan, make_plan
from tests.schedule.layers import Net
from tests.schedule.oracle import smallest_arena


def chain(n: Net) -> Graph:
    x = n.input(8, 6, 2)
    for c in (4, 6, 2):
        x = n.conv(x, c)
    return n.integer(x)


def falling(n: Net) -> Graph:
    x = n.conv(n.input(12, 6, 1), 4, stride=2)
    x = n.conv(n.depthwise(x, 3, stride=2), 8, 1)
    return n.integer(n.op("mean", [x], {"axes": (1, 2), "keepdims": True}))


def dilated(n: Net) -> Graph:
    x = n.conv(n.input(9, 5, 2), 3, 3, dilation=2)
    return n.integer(n.pool(n.depthwise(x, 2, padding=(2, 0, 0, 1)), "avg_pool2d", 3, 2, "same"))


def residual(n: Net) -> Graph:
    x = n.conv(n.input(8, 5, 2), 4)
    return n.integer(n.add(x, n.conv(n.conv(x, 6), 4, activation="")))


def strided_residual(n: Net) -> Graph:
    x = n.input(10, 6, 3)
    y = n.conv(n.conv(x, 4, stride=2), 4, activation="")
    y = n.add(y, n.conv(x, 4, 1, stride=2))
    return n.integer(n.conv(y, 2, 1))


def inverted(n: Net) -> Graph:
    x = n.conv(n.input(10, 6, 1), 2, stride=2)
    y = n.conv(n.depthwise(n.conv(x, 12, 1)), 2, 1, activation="")
    return n.integer(n.conv(n.add(x, y), 6, 1))


def dense(n: Net) -> Graph:
    x = n.input(7, 5, 2)
    y = n.concat(x, n.conv(x, 2))
    return n.integer(n.conv(n.concat(y, n.conv(y, 3)), 4, 1))


def branches(n: Net) -> Graph:
    x = n.input(8, 5, 3)
    ways = [n.conv(x, 1, 1), n.conv(n.conv(x, 2, 1), 3), n.conv(n.pool(x, "max_pool2d", 3, 1, "same"), 2, 1)]
    return n.integer(n.concat(*ways))


def up_again(n: Net) -> Graph:
    x = n.conv(n.input(8, 6, 1), 3)
    y = n.upsample(n.conv(n.pool(x), 6), (8, 6))
    return n.integer(n.conv(n.concat(x, y), 2))


def gated(n: Net) -> Graph:
    x = n.conv(n.input(6, 6, 2), 6)
    return n.integer(n.conv(n.squeeze_excite(x), 2, 1))


def two_heads(n: Net) -> Graph:
    x = n.conv(n.input(10, 6, 1), 4, stride=2)
    y = n.conv(x, 6, stride=2)
    up = n.upsample(y, (5, 3))
    return n.integer(n.conv(y, 3, 1), n.conv(n.concat(up, x), 3, 1))


def parted(n: Net) -> Graph:
    x = n.conv(n.input(6, 4, 2), 8)
    return n.integer(n.concat(n.part(x, 0, 4), n.conv(n.part(x, 4, 8), 4)))


def two_inputs(n: Net) -> Graph:
    x = n.concat(n.conv(n.input(8, 5, 2), 3), n.input(8, 5, 2))
    return n.integer(n.conv(x, 4, stride=2))


def tokens(n: Net) -> Graph:
    x = n.input(6, 8)
    y = n.linear(n.function(n.linear(n.norm(x), 20), "gelu"), 8)
    return n.integer(n.add(x, y))


def signal(n: Net) -> Graph:
    x = n.conv(n.input(12, 1, 3), 4)
    return n.integer(n.add(x, n.conv(n.conv(x, 6, stride=1), 4, activation="")))


def long_chain(n: Net) -> Graph:
    x = n.input(8, 4, 1)
    for k in range(12):
        x = n.conv(x, 2 + 3 * (k % 3), 3 if k % 4 == 0 else 1)
    return n.integer(x)


def long_residual(n: Net) -> Graph:
    x = n.conv(n.input(8, 4, 2), 3, stride=2)
    for c in (9, 6, 12):
        x = n.add(x, n.conv(n.depthwise(n.conv(x, c, 1)), 3, 1, activation=""))
    return n.integer(x)


def drawn(n: Net) -> Graph:
    values = [n.input(n.whole(5, 9), n.whole(3, 5), n.whole(1, 3))]
    for _ in range(n.whole(3, 4)):
        x, y = (values[n.whole(max(0, len(values) - 3), len(values) - 1)] for _ in range(2))
        match n.pick("conv", "wide", "depthwise", "function", "join", "join", "pool", "strided"):
            case "conv":
                values.append(n.conv(x, n.whole(1, 6)))
            case "wide":
                values.append(n.conv(x, n.whole(4, 12), 1))
            case "depthwise":
                values.append(n.depthwise(x))
            case "function":
                values.append(n.function(x, "hard_swish"))
            case "strided" if n.shape(x)[1] > 3:
                values.append(n.conv(x, n.whole(1, 6), stride=2))
            case "join" if n.shape(x) == n.shape(y):
                values.append(n.add(x, y))
            case "join" if n.shape(x)[:3] == n.shape(y)[:3]:
                values.append(n.concat(x, y))
            case _:
                values.append(n.pool(x, "max_pool2d", 3, 1, "same"))
    ends = [v for v in values[1:] if not n.graph.consumers(v)]
    return n.integer(*[n.conv(v, 1, 1, stride=2) for v in ends])


NETS: tuple[Callable[[Net], Graph], ...] = (
    chain,
    falling,
    dilated,
    residual,
    strided_residual,
    inverted,
    dense,
    branches,
    up_again,
    gated,
    two_heads,
    parted,
    two_inputs,
    tokens,
    signal,
    long_chain,
    long_residual,
)


CASES = [(make, 0, stream) for make in NETS for stream in (False, True) if "long" not in make.__name__]
CASES += [(long_chain, 0, False), (long_residual, 0, False)]
CASES += [(drawn, seed, seed % 2 == 1) for seed in range(24)]


@pytest.mark.parametrize(
    ("make", "seed", "stream"),
    CASES,
    ids=[f"{m.__name__}-{seed}-{'stream' if s else 'whole'}" for m, seed, s in CASES],
)
def test_the_peak_is_the_smallest_there_is(make: Callable[[Net], Graph], seed: int, stream: bool) -> None:
    graph = make(Net(make.__name__, seed))
    is_smallest(graph, stream)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("block", [2, 3, 4])
@pytest.mark.parametrize("make", [tokens, signal], ids=lambda m: m.__name__)
def test_the_peak_of_rows_in_blocks_is_the_smallest_there_is(
    make: Callable[[Net], Graph], block: int, stream: bool
) -> None:
    graph = make(Net(make.__name__, 0))
    for k, node in enumerate(n for n in graph.nodes() if n.op in ("linear", "conv2d")):
        node.attrs["block"] = block if k != 1 else 2
    blocks = {max(call_of(graph, n).block, 1) for n in graph.nodes()}
    assert blocks == {1, 2, block}
    is_smallest(graph, stream)


def is_smallest(graph: Graph, stream: bool) -> None:
    """The planner's arena is that of the exhaustive search, and no larger with rows one by one."""
    plans = [make_plan(graph, stream=stream, apart=apart) for apart in (False, True)]
    for plan in plans:
        check_plan(graph, plan)
    smallest, schedule = smallest_arena(graph, stream)
    assert plans[0].arena == smallest, f"{schedule} needs {smallest} bytes"
    assert plans[1].arena <= smallest
