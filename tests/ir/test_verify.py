"""The verifier: a good graph passes, and every rule has a graph that breaks it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from edgec.ir import DType, Graph, GraphError, Quant, TensorType, parse, verify
from edgec.ops.base import infer_types

GOOD = """
input %x: i8[1, 4] q(0.5)
const %w: i8[3, 4] q([1, 1, 1], axis=0) = random(1)
const %b: i32[3] q([0.5, 0.5, 0.5], axis=0) = zeros
%y = linear(%x, %w, %b) : i8 q(0.25) @ a
%z = linear(%y, %v) : i8 q(0.25) @ b
output %z, %y
"""


def good() -> Graph:
    text = GOOD.replace("%z =", "const %v: i8[2, 3] q(1) = random(2)\n%z =")
    return parse(text, infer=infer_types)


def test_a_good_graph_passes() -> None:
    verify(good(), infer_types)
    verify(Graph())


def cycle(g: Graph) -> None:
    g.set_type("z", g.type("x"))
    g.set_operand(g.node("y"), 0, "z")


def requant(value: str, **changes: object) -> Callable[[Graph], None]:
    def change(g: Graph) -> None:
        q = g.type(value).q
        fields = {"scale": q.scale, "zero_point": q.zero_point, "axis": q.axis} | changes
        g.set_type(value, g.type(value).with_(quant=Quant(**fields)))

    return change


def retype(value: str, **changes: object) -> Callable[[Graph], None]:
    return lambda g: g.set_type(value, g.type(value).with_(**changes))


def swap_data(g: Graph) -> None:
    g.values["w"].data = g.data("w").T


def two_sources(g: Graph) -> None:
    g.inputs.append("y")


def orphan(g: Graph) -> None:
    g.add_input("free", TensorType((1,)))
    g.inputs.remove("free")


def rename(g: Graph) -> None:
    g.values["y"].name = "other"


def lost_output(g: Graph) -> None:
    g.outputs.append("gone")


def lost_operand(g: Graph) -> None:
    node = g.node("z")
    node.inputs = (*node.inputs, "gone")


def stale_edges(g: Graph) -> None:
    node = g.node("z")
    node.inputs = ("x", *node.inputs[1:])


def no_path(g: Graph) -> None:
    g.node("y").path = ""


def numpy_attr(g: Graph) -> None:
    g.node("y").attrs["n"] = (1, np.int64(2))  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (cycle, "the graph has a cycle: "),
        (swap_data, r"constant w is i8\(4, 3\), its type i8\(3, 4\)"),
        (two_sources, "value y is a result of y and also a graph input"),
        (orphan, "value free is no input, no constant and no result"),
        (rename, "value y calls itself other"),
        (lost_output, "output gone does not exist"),
        (lost_operand, "operand 2, gone, does not exist"),
        (stale_edges, "z is not among the consumers of x"),
        (no_path, r"y \(linear\) has no module path"),
        (numpy_attr, "attribute n is"),
        (retype("y", quant=None), "y: i8 without quantization"),
        (retype("y", dtype=DType.F32), "y: f32 with quantization"),
        (retype("y", shape=(1, -3)), "y: bad shape"),
        (retype("y", shape=(1, 2)), r"y is \(1, 2\), its operands give \(1, 3\)"),
        (retype("z", dtype=DType.I32, quant=None), "z is i32, its operands give f32"),
        (requant("w", scale=(1.0, 1.0)), "w: 2 scales and 3 zero points, not 3"),
        (requant("w", axis=2), "w: no axis 2"),
        (requant("w", axis=None), "w: 3 scales and 3 zero points, not 1"),
        (requant("y", scale=(0.0,)), "y: a scale is not positive"),
        (requant("y", scale=(float("nan"),)), "y: a scale is not positive"),
        (requant("y", zero_point=(200,)), "y: a zero point is outside i8"),
    ],
)
def test_every_rule_can_be_broken(damage: Callable[[Graph], None], message: str) -> None:
    graph = good()
    damage(graph)
    with pytest.raises(GraphError, match=message):
        verify(graph, infer_types)


def test_operands_that_do_not_fit() -> None:
    graph = good()
    graph.set_type("x", graph.type("x").with_(shape=(1, 5)))
    with pytest.raises(GraphError, match=r"y \(linear\): features differ"):
        verify(graph, infer_types)
    verify(graph)


def test_paths_may_be_waived() -> None:
    graph = good()
    no_path(graph)
    verify(graph, infer_types, paths=False)
