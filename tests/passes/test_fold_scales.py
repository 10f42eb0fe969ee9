"""fold_scales and lower_scales: batch norms and other scales leave no op of their own."""

from __future__ import annotations

import pytest

from edgec.ir import Graph
from edgec.passes.fold_scales import FoldScales
from edgec.passes.lower_scales import LowerScales
from tests.passes.common import graph_of, ops, optimised

CONV = "stride=(1, 1), padding=(1, 1, 1, 1), dilation=(1, 1)"
NORM = """
        const %mean: f32[4] = [0.5, -1, 2, 0]
        const %var: f32[4] = [1, 2, 3, 4]
        const %gamma: f32[4] = [1, -2, 0.5, 3]
        const %beta: f32[4] = [1, 2, 3, 4]
"""
BATCH_NORM = "mean, %var, %gamma, %beta) {epsilon=0.001}"


def folded(text: str) -> Graph:
    return optimised(graph_of(text), FoldScales())


@pytest.mark.parametrize("bias", ["", ", %beta"])
def test_batch_norm_into_the_conv_before_it(bias: str) -> None:
    graph = folded(f"""
        input %x: f32[1, 5, 5, 2]
        const %w: f32[4, 3, 3, 2] = random(1)
        {NORM}
        %a = conv2d(%x, %w{bias}) {{{CONV}, groups=1}}
        %y = batch_norm(%a, %{BATCH_NORM}
        output %y
    """)
    assert ops(graph) == ["conv2d"] and len(graph.nodes()[0].inputs) == 3


@pytest.mark.parametrize("bias", ["", ", %beta"])
def test_batch_norm_into_the_depthwise_before_it(bias: str) -> None:
    graph = folded(f"""
        input %x: f32[1, 5, 5, 2]
        const %w: f32[3, 3, 4] = random(1)
        {NORM}
        %a = depthwise_conv2d(%x, %w{bias}) {{{CONV}}}
        %y = batch_norm(%a, %{BATCH_NORM}
        output %y
    """)
    assert ops(graph) == ["depthwise_conv2d"]


def test_scale_and_shift_into_a_linear_through_a_reshape() -> None:
    graph = folded("""
        input %x: f32[1, 6, 2]
        const %w: f32[4, 2] = random(1)
        const %s: f32[4] = random(2)
        const %t: f32[1, 1, 1, 4] = random(3)
        %a = linear(%x, %w)
        %b = reshape(%a) {shape=(1, 2, 3, 4)}
        %c = mul(%b, %s)
        %y = add(%t, %c)
        output %y
    """)
    assert ops(graph) == ["linear", "reshape"]


def test_a_constant_minus_the_result() -> None:
    graph = folded("""
        input %x: f32[1, 6, 2]
        const %w: f32[4, 2] = random(1)
        const %s: f32[4] = random(2)
        %a = linear(%x, %w)
        %y = sub(%s, %a)
        output %y
    """)
    assert ops(graph) == ["linear"]


def test_scale_and_shift_into_a_layer_norm() -> None:
    graph = folded("""
        input %x: f32[1, 6, 4]
        const %s: f32[4] = random(2)
        const %t: f32[4] = random(3)
        %a = layer_norm(%x) {epsilon=0.00001, rms=false}
        %c = mul(%a, %s)
        %y = add(%c, %t)
        output %y
    """)
    assert ops(graph) == ["layer_norm"]


@pytest.mark.parametrize(
    "user",
    [
        "conv2d(%a, %w) {stride=(1, 1), padding=(0, 0, 0, 0), dilation=(1, 1), groups=1}",
        "conv2d(%a, %g, %o) {stride=(1, 1), padding=(0, 0, 0, 0), dilation=(1, 1), groups=2}",
        "depthwise_conv2d(%a, %d) {stride=(1, 1), padding=(0, 0, 0, 0), dilation=(1, 1)}",
        "linear(%a, %l, %o)",
    ],
)
def test_batch_norm_into_the_weights_behind_it(user: str) -> None:
    graph = folded(f"""
        input %x: f32[1, 5, 5, 4]
        const %w: f32[6, 3, 3, 4] = random(1)
        const %g: f32[6, 3, 3, 2] = random(2)
        const %d: f32[3, 3, 8] = random(3)
        const %l: f32[6, 4] = random(4)
        const %o: f32[6] = random(5)
        {NORM}
        %a = batch_norm(%x, %{BATCH_NORM}
        %y = {user}
        output %y
    """)
    assert len(ops(graph)) == 1


def test_padding_keeps_a_shift_in_front_of_a_conv() -> None:
    graph = folded(f"""
        input %x: f32[1, 5, 5, 4]
        const %w: f32[6, 3, 3, 4] = random(1)
        {NORM}
        %a = batch_norm(%x, %{BATCH_NORM}
        %y = conv2d(%a, %w) {{{CONV}, groups=1}}
        output %y
    """)
    assert ops(graph) == ["batch_norm", "conv2d"]


def test_a_result_used_elsewhere_is_left() -> None:
    graph = folded("""
        input %x: f32[1, 6, 2]
        const %w: f32[4, 2] = random(1)
        const %s: f32[4] = random(2)
        %a = linear(%x, %w)
        %y = mul(%a, %s)
        output %y, %a
    """)
    assert ops(graph) == ["linear", "mul"]


def test_an_activation_in_between_is_left() -> None:
    graph = folded("""
        input %x: f32[1, 6, 2]
        const %w: f32[4, 2] = random(1)
        const %s: f32[4] = random(2)
        %a = linear(%x, %w) {activation="relu"}
        %y = mul(%a, %s)
        output %y
    """)
    assert ops(graph) == ["linear", "mul"]


@pytest.mark.parametrize("shape", ["1, 4", "1, 3, 4", "1, 3, 2, 4", "2, 1, 3, 2, 4"])
def test_what_is_left_becomes_one_depthwise(shape: str) -> None:
    graph = graph_of(f"""
        input %x: f32[{shape}]
        const %s: f32[4] = random(2)
        {NORM}
        %a = pointwise(%x) {{fn="gelu"}}
        %b = batch_norm(%a, %{BATCH_NORM}
        %c = pointwise(%b) {{fn="gelu"}}
        %d = mul(%c, %s)
        %e = add(%d, %s)
        %f = pointwise(%e) {{fn="gelu"}}
        %g = mul(%f, %s)
        output %g
    """)
    result = [op for op in ops(optimised(graph, LowerScales())) if op != "reshape"]
    assert result == ["pointwise", "depthwise_conv2d", "pointwise", "depthwise_conv2d", "pointwise", "mul"]
