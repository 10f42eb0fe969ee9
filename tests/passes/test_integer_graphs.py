"""What the passes do on integer graphs: the same bytes afterwards."""

from __future__ import annotations

import pytest

from edgec.ir import Graph
from edgec.passes.base import Pass
from edgec.passes.collapse_views import CollapseViews
from edgec.passes.find_linear import FindLinear
from edgec.passes.fold_pads import FoldPads
from edgec.passes.fuse_activations import FuseActivations
from edgec.passes.layout import SolveLayout
from edgec.passes.remove_identities import RemoveIdentities
from tests.passes.common import graph_of, ops, optimised


def after(text: str, *passes: Pass) -> Graph:
    return optimised(graph_of(text), *passes)


def test_changes_of_format_that_change_nothing() -> None:
    graph = after(
        """
        input %x: i8[1, 4, 4, 2] q(0.5, 3)
        %a = requantize(%x) : i8 q(0.5, 3)
        %f = pad(%a) {pads=((0, 0), (0, 0), (0, 0), (0, 0)), value=0.0} : i8 q(0.5, 3)
        %g = requantize(%f) : i8 q(0.25, 3)
        output %g
        """,
        RemoveIdentities(),
    )
    assert ops(graph) == ["requantize"]


@pytest.mark.parametrize(("quant", "left"), [("q(0.5, 3)", []), ("q(0.25, 3)", ["dequantize", "quantize"])])
def test_integers_that_were_floats_for_a_moment(quant: str, left: list[str]) -> None:
    graph = graph_of(f"""
        input %x: i8[1, 4] q(0.5, 3)
        %a = dequantize(%x) : f32
        %b = quantize(%a) : i8 {quant}
        output %b
    """)
    RemoveIdentities().run(graph)
    assert ops(graph) == left


def test_float_ops_that_change_nothing() -> None:
    graph = after(
        """
        input %x: f32[1, 1, 4, 2]
        %a = mean(%x) {axes=(1,), keepdims=false}
        %b = reshape(%a) {shape=(1, 1, 4, 2)}
        %c = avg_pool2d(%b) {kernel=(1, 1), stride=(1, 1), padding=(0, 0, 0, 0)}
        %d = max_pool2d(%c) {kernel=(1, 1), stride=(1, 2), padding=(0, 0, 0, 0)}
        output %d
        """,
        RemoveIdentities(),
        CollapseViews(),
    )
    assert ops(graph) == ["max_pool2d"]


@pytest.mark.parametrize(
    ("fn", "quant", "left"),
    [
        ("tflm_relu", "q(0.05, 3)", 1),
        ("relu6", "q(0.05, -20)", 1),
        ("tflm_relu", "q(0.04, 3)", 2),
        ("sigmoid", "q(0.05, 3)", 2),
    ],
)
def test_a_clamp_in_the_producers_own_format(fn: str, quant: str, left: int) -> None:
    graph = after(
        f"""
        input %x: i8[1, 4, 6] q(0.5, 3)
        const %w: i8[5, 6] q(0.01) = random(1)
        const %b: i32[5] = [10, -400, 30, 4, 50]
        %a = linear(%x, %w, %b) {{activation=""}} : i8 {quant if left == 1 else "q(0.05, 3)"}
        %y = pointwise(%a) {{fn="{fn}"}} : i8 {quant}
        output %y
        """,
        FuseActivations(),
    )
    assert len(ops(graph)) == left


def test_pads_and_transposes_of_integers() -> None:
    graph = after(
        """
        input %x: i8[1, 2, 5, 5] q(0.5, 3)
        const %w: i8[4, 3, 3, 2] q(0.01) = random(1)
        const %b: i32[4] = [10, -400, 30, 4]
        %p = pad(%x) {pads=((0, 0), (0, 0), (1, 1), (1, 1)), value=0.0} : i8 q(0.5, 3)
        %t = transpose(%p) {perm=(0, 2, 3, 1)} : i8 q(0.5, 3)
        %c = conv2d(%t, %w, %b) {
            stride=(1, 1), padding=(0, 0, 0, 0), dilation=(1, 1), groups=1} : i8 q(0.1, 1)
        output %c
        """,
        SolveLayout(),
        CollapseViews(),
        FoldPads(),
    )
    assert ops(graph) == ["conv2d"]


def test_a_stated_quantization_follows_its_weights() -> None:
    graph = after(
        """
        input %x: f32[1, 4, 2]
        const %w: f32[2, 3] q([0.5, 0.25, 1], axis=1) = [[1, 2, 3], [4, 5, 6]]
        %y = matmul(%x, %w)
        output %y
        """,
        FindLinear(),
    )
    quant = graph.type(graph.nodes()[0].inputs[1]).q
    assert quant.axis == 0 and quant.scale == (0.5, 0.25, 1.0)
