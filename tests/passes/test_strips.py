"""Strips of columns: the same function bit for bit, whatever stands between the seams."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgec.ir import DType, Graph, Quant, TensorType
from edgec.ir.parse import parse
from edgec.ir.text import constant_table, to_text
from edgec.ir.verify import verify
from edgec.ops.base import call_of, infer_types, op_of
from edgec.ops.interpret import evaluate
from edgec.passes.base import Changes
from edgec.passes.strip_candidates import strip_candidates
from edgec.passes.strips import Strips, total_macs
from tests.passes.common import same_function

Q = Quant.of(0.05, 3)


class Net:
    """An integer graph in the making: constants are drawn, int8 activations get drawn quantizations."""

    def __init__(self, seed: int, *shape: int) -> None:
        self.graph, self.rng = Graph(), np.random.default_rng(seed)
        self.x = self.graph.add_input("x", TensorType(tuple(shape), DType.I8, Q))

    def op(self, op: str, *inputs: str, quant: Quant | None = None, name: str | None = None, **attrs) -> str:
        (bare,) = infer_types(self.graph, op, inputs, attrs)
        if quant is None:
            quant = Quant.of(float(self.rng.uniform(0.02, 0.1)), int(self.rng.integers(-9, 9)))
        t = bare.with_(dtype=DType.I8, quant=quant)
        return self.graph.add(op, inputs, [t], attrs, name=name, path=f"net.{name or op}").outputs[0]

    def weights(self, *shape: int, axis: int = 0) -> str:
        data = self.rng.integers(-127, 128, shape).astype(np.int8)
        scale = tuple(self.rng.uniform(0.002, 0.01, shape[axis]).tolist())
        return self.graph.add_constant("w", data, Quant(scale, (0,) * shape[axis], axis))

    def conv(self, x: str, channels: int, kernel: int = 1, name: str | None = None, **attrs) -> str:
        w = self.weights(channels, kernel, kernel, self.graph.type(x).shape[3])
        return self.op("conv2d", x, w, name=name, **attrs)

    def depthwise(self, x: str, kernel: int = 3, name: str | None = None, **attrs) -> str:
        w = self.weights(kernel, kernel, self.graph.type(x).shape[3], axis=2)
        return self.op("depthwise_conv2d", x, w, name=name, **attrs)

    def done(self, *outputs: str) -> Graph:
        self.graph.outputs = list(outputs)
        verify(self.graph, infer_types)
        return self.graph


def strips(graph: Graph, nodes: list[str], count: int) -> tuple[Graph, Changes]:
    result = graph.copy()
    changes = Strips(tuple(nodes), count).run(result)
    verify(result, infer_types)
    same_function(graph, result)
    assert result.outputs == graph.outputs
    assert {n.path for n in result} == {n.path for n in graph}
    return result, changes


def inverted_residual(width: int = 13, stride: int = 1) -> Graph:
    net = Net(0, 1, 9, width, 4)
    y = net.conv(net.x, 12, name="expand", activation="relu6")
    y = net.depthwise(y, name="depthwise", padding=(1, 1, 1, 1), stride=(stride, stride))
    y = net.conv(y, 4, name="project")
    if stride == 1:
        y = net.op("add", net.x, y, name="sum")
    return net.done(y)


BLOCK = ["expand", "depthwise", "project"]


def test_inverted_residual() -> None:
    graph = inverted_residual()
    result, changes = strips(graph, [*BLOCK, "sum"], 3)
    assert not changes.refused
    assert [n.op for n in result].count("conv2d") == 6
    spans = [
        (n.attrs["first"], n.attrs["last"])
        for n in result
        if n.op == "columns" and any(u.op == "conv2d" for u, _ in result.consumers(n.outputs[0]))
    ]
    assert spans == [(0, 6), (4, 10), (8, 13)]
    join = result.node("sum")
    assert join.op == "join" and join.outputs == ("sum",) and len(join.inputs) == 3
    # four columns of 9 rows, 4 to 12 channels, are computed twice
    assert total_macs(result) - total_macs(graph) == 4 * 9 * 4 * 12
    assert changes.made[0][1] == "in 3 strips of columns, 1728 further multiply-accumulates"


def test_borders_have_the_longer_strips() -> None:
    result, _ = strips(inverted_residual(18), BLOCK, 4)
    widths = [result.type(f"expand_strip{k}").shape[2] for k in range(4)]
    assert widths == [6, 6, 6, 6]


def test_weights_are_shared() -> None:
    graph = inverted_residual()
    result, _ = strips(graph, BLOCK, 4)
    assert [v for v, x in result.values.items() if x.data is not None] == [
        v for v, x in graph.values.items() if x.data is not None
    ]


def test_prints_and_parses() -> None:
    result, _ = strips(inverted_residual(), BLOCK, 2)
    again = parse(to_text(result), constant_table(result), infer=infer_types)
    assert to_text(again) == to_text(result)


def test_offsets_say_where_the_rows_lie() -> None:
    result, _ = strips(inverted_residual(13), BLOCK, 3)
    x = {"x": np.random.default_rng(1).integers(-128, 128, (1, 9, 13, 4)).astype(np.int8)}
    seen = dict(x)
    evaluate(result, x, lambda v, y: seen.update({v: y}))
    checked = 0
    for node in result:
        op, call = op_of(node), call_of(result, node)
        for k in range(len(node.inputs) if op.is_alias or op.is_join else 0):
            whole, part = node.inputs[k], node.outputs[0]
            whole, part = (part, whole) if op.is_join else (whole, part)
            at, n = op.offset(call, k), result.type(part).row_bytes
            assert at is not None
            rows = seen[whole].reshape(result.type(whole).rows, -1)
            np.testing.assert_array_equal(rows[:, at : at + n].ravel(), seen[part].ravel())
            checked += 1
    assert checked == 6


def test_a_result_read_inside_the_set_is_not_computed_twice() -> None:
    net = Net(0, 1, 6, 12, 3)
    a = net.conv(net.x, 5, 3, name="a", padding=(1, 1, 1, 1))
    b = net.conv(a, 4, 3, name="b", padding=(1, 1, 1, 1))
    graph = net.done(a, b)
    result, changes = strips(graph, ["a", "b"], 3)
    assert not changes.refused
    assert total_macs(result) == total_macs(graph)


@pytest.mark.parametrize("kernels", [(1, 5), (5, 1), (5, 3)])
def test_branches_that_need_different_columns(kernels: tuple[int, int]) -> None:
    net = Net(0, 1, 6, 12, 3)
    wide = net.conv(net.x, 5, name="wide")
    a, b = (net.conv(wide, 2, k, name=f"k{k}", padding=(k // 2,) * 4) for k in kernels)
    graph = net.done(net.op("add", a, b, name="sum"))
    result, _ = strips(graph, ["wide", "k1", "k3", "k5", "sum"], 2)
    assert [result.type(f"wide_strip{k}").shape[2] for k in range(2)] == [8, 8]


def test_channel_gates_are_read_whole() -> None:
    net = Net(0, 1, 6, 10, 3)
    wide = net.conv(net.x, 8, name="expand")
    gate = net.op("mean", wide, name="pool", axes=(1, 2), keepdims=True)
    y = net.op("mul", wide, gate, name="gate")
    y = net.conv(y, 2, 3, name="project", padding=(1, 1, 1, 1))
    graph = net.done(y)
    for nodes in (["gate", "project"], ["expand", "gate", "project"]):
        _, changes = strips(graph, nodes, 3)
        assert not changes.refused


def test_constants_over_columns_are_cut() -> None:
    net = Net(0, 1, 4, 9, 3)
    at = net.graph.add_constant("at", net.rng.integers(-9, 9, (1, 1, 9, 3)).astype(np.int8), Q)
    y = net.op("add", net.x, at, name="sum")
    graph = net.done(net.depthwise(y, name="d", padding=(1, 1, 1, 1)))
    result, changes = strips(graph, ["sum", "d"], 2)
    assert not changes.refused
    assert sorted(x.type.shape for v, x in result.values.items() if v.startswith("at")) == [
        (1, 1, 5, 3),
        (1, 1, 6, 3),
    ]


@pytest.mark.parametrize(
    ("make", "nodes", "count", "why"),
    [
        (
            lambda n: n.op("mean", n.x, name="m", axes=(1, 2), keepdims=True),
            ["m"],
            2,
            "net.m .mean. needs whole",
        ),
        (lambda n: n.conv(n.x, 2, name="c"), ["c"], 99, "columns to cut: 8, strips: 99"),
        (lambda n: n.conv(n.x, 2, name="c"), ["c"], 1, "columns to cut: 8, strips: 1"),
        (lambda n: n.op("concat", n.x, n.x, name="c", axis=2), ["c"], 2, "side by side"),
        (lambda n: n.conv(n.x, 2, name="c", padding=(0, 2, 0, 0)), ["c"], 9, "padding alone"),
        (lambda n: n.op("resize_nearest", n.x, name="r", size=(9, 12)), ["r"], 2, "whole number of times"),
        (
            lambda n: n.op("mul", n.op("max_pool2d", n.x, name="p", kernel=(1, 8)), n.x, name="m"),
            ["p", "m"],
            2,
            "reads whole rows of p",
        ),
        (lambda n: n.op("resize_bilinear", n.x, name="r", size=(8, 16)), ["r"], 2, "needs whole rows"),
        (lambda n: n.op("reshape", n.x, name="r", shape=(1, 48, 3), quant=Q), ["r"], 2, "no map of columns"),
    ],
)
def test_refused(make, nodes: list[str], count: int, why: str) -> None:
    net = Net(0, 1, 6, 8, 3)
    graph = net.done(make(net))
    result, changes = strips(graph, nodes, count)
    assert to_text(result) == to_text(graph) and not changes.made
    assert re.search(why, changes.refused[0][1]), changes.refused


def test_candidates_are_the_wide_parts() -> None:
    net = Net(0, 1, 12, 16, 3)
    x = net.conv(net.x, 8, 3, name="stem", stride=(2, 2), padding=(1, 1, 1, 1))
    x = net.depthwise(x, name="d0", padding=(1, 1, 1, 1))
    a = net.conv(x, 4, name="p0")
    x = net.conv(a, 16, name="e1")
    x = net.depthwise(x, name="d1", padding=(1, 1, 1, 1))
    x = net.conv(x, 4, name="p1")
    x = net.op("add", a, x, name="sum")
    for k in range(3):  # equally wide, and every one reads rows again
        x = net.conv(x, 4, 3, name=f"c{k}", padding=(1, 1, 1, 1))
    x = net.op("mean", x, name="pool", axes=(1, 2), keepdims=True)
    graph = net.done(net.conv(x, 9, name="head"))
    sets = strip_candidates(graph)
    assert sets == [("stem", "d0", "p0"), ("e1", "d1", "p1", "sum"), ("c0", "c1")]
    for nodes in sets:
        assert strips(graph, list(nodes), 3)[1].made


# -- drawn networks -------------------------------------------------------


def grow(net: Net, x: str, draw: st.DrawFn) -> str:
    """One more op on x."""
    pad = st.integers(0, 2)
    shape = net.graph.type(x).shape
    kernel, dilation = draw(st.sampled_from([1, 3, 5])), draw(st.sampled_from([1, 1, 2]))
    reach = (kernel - 1) * dilation + 1
    pads = tuple(min(draw(pad), reach - 1) for _ in range(4))
    while any(n + a + b < reach for n, a, b in zip(shape[1:3], pads[:2], pads[2:], strict=True)):
        kernel, dilation, reach, pads = 1, 1, 1, (0, 0, 0, 0)
    window = {"padding": pads, "stride": (1, draw(st.sampled_from([1, 1, 2]))), "dilation": (dilation,) * 2}
    square = {"kernel": (kernel, kernel), "padding": pads, "stride": window["stride"]}
    same = net.graph.type(x).quant
    match draw(
        st.sampled_from(["conv", "depthwise", "max", "avg", "relu", "resize", "pad", "sum", "concat"])
    ):
        case "conv":
            return net.conv(x, draw(st.integers(1, 4)), kernel, **window)
        case "depthwise":
            return net.depthwise(x, kernel, **window)
        case "max":
            return net.op("max_pool2d", x, quant=same, **square, dilation=(dilation,) * 2)
        case "avg" if kernel == 1 or dilation == 1:
            return net.op("avg_pool2d", x, quant=same, **square, count_include_pad=draw(st.booleans()))
        case "resize" if shape[2] < 20:
            size = (shape[1], shape[2] * draw(st.integers(1, 3)))
            return net.op("resize_nearest", x, quant=same, size=size, half_pixel=draw(st.booleans()))
        case "pad":
            pads = ((0, 0), (0, 1), (draw(pad), draw(pad)), (0, 1))
            return net.op("pad", x, quant=same, pads=pads)
        case "sum":
            return net.op("add", x, net.conv(x, shape[3], 3, padding=(1, 1, 1, 1)))
        case "concat":
            return net.op("concat", x, net.conv(x, 2, 3, padding=(1, 1, 1, 1)), axis=3)
    return net.op("pointwise", x, fn="tanh")


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_drawn_networks(data: st.DataObject) -> None:
    draw = data.draw
    net = Net(draw(st.integers(0, 99)), 1, draw(st.integers(1, 4)), draw(st.integers(2, 24)), 2)
    x = net.x
    for _ in range(draw(st.integers(1, 5))):
        x = grow(net, x, draw)
    values = [n.outputs[0] for n in net.graph]
    graph = net.done(*dict.fromkeys([*draw(st.lists(st.sampled_from(values), max_size=1)), x]))
    names = [n.name for n in graph]
    nodes = names if draw(st.booleans()) else draw(st.lists(st.sampled_from(names), min_size=1, unique=True))
    result, changes = strips(graph, nodes, draw(st.integers(2, 5)))
    if changes.made:
        assert [n.op for n in result].count("join") >= 1
    # for want of columns only, or where a window lies in the padding
    for _, why in changes.refused:
        assert "columns to cut" in why or "padding alone" in why or "together, of which" in why, why
