"""find_norms, find_softmax, find_linear: what exporters spell out."""

from __future__ import annotations

import pytest

from edgec.ir import Graph
from edgec.passes.collapse_views import CollapseViews
from edgec.passes.find_group_norms import FindGroupNorms
from edgec.passes.find_linear import FindLinear
from edgec.passes.find_norms import FindNorms
from edgec.passes.find_softmax import FindSoftmax
from edgec.passes.fold_scales import FoldScales
from edgec.passes.simplify_arithmetic import SimplifyArithmetic
from tests.passes.common import graph_of, lines, ops, optimised


def normed(text: str, shape: str = "1, 3, 6") -> Graph:
    graph = graph_of(f"""
        input %x: f32[{shape}]
        const %eps: f32[] = [0.001]
        const %n: f32[] = [1.2]
        const %g: f32[6] = random(1)
        const %b: f32[6] = random(2)
        {text}
        output %y
    """)
    return optimised(graph, SimplifyArithmetic(), FindNorms(), FoldScales(), CollapseViews())


CENTERED = """
        %m = mean(%x) {axes=(2,), keepdims=true}
        %d = sub(%x, %m)
        %s = mul(%d, %d)
        %v = mean(%s) {axes=(2,), keepdims=true}
        %e = add(%v, %eps)
"""


@pytest.mark.parametrize(
    "quotient",
    [
        '%r = pointwise(%e) {fn="sqrt"}\n%q = div(%d, %r)',
        '%r = pointwise(%e) {fn="rsqrt"}\n%q = mul(%r, %d)',
        '%p = pointwise(%e) {fn="power", exponent=0.5}\n%f = sub(%x, %m)\n%q = div(%f, %p)',
        '%p = pointwise(%e) {fn="sqrt"}\n%r = pointwise(%p) {fn="reciprocal"}\n%q = mul(%d, %r)',
    ],
)
def test_layer_norm(quotient: str) -> None:
    graph = normed(f"{CENTERED}{quotient}\n%h = mul(%q, %g)\n%y = add(%b, %h)")
    assert ops(graph) == ["layer_norm"]
    assert graph.nodes()[0].attrs["rms"] is False and len(graph.nodes()[0].inputs) == 3


def test_layer_norm_with_another_divisor() -> None:
    text = CENTERED.replace("%e = add(%v", "%u = mul(%v, %n)\n%e = add(%u")
    graph = normed(text + '%r = pointwise(%e) {fn="sqrt"}\n%y = div(%d, %r)')
    assert ops(graph) == ["layer_norm"] and len(graph.nodes()[0].inputs) == 2


def test_rms_norm() -> None:
    graph = normed("""
        %s = pointwise(%x) {fn="square"}
        %v = mean(%s) {axes=(2,), keepdims=true}
        %e = add(%eps, %v)
        %r = pointwise(%e) {fn="rsqrt"}
        %q = mul(%x, %r)
        %y = mul(%q, %g)
    """)
    assert ops(graph) == ["layer_norm"] and graph.nodes()[0].attrs["rms"] is True


def test_layer_norm_over_other_axes() -> None:
    text = CENTERED.replace("axes=(2,)", "axes=(1, 2)")
    graph = normed(text + '%r = pointwise(%e) {fn="rsqrt"}\n%y = mul(%d, %r)', "2, 3, 4, 5")
    assert ops(graph) == ["strided_copy", "layer_norm", "strided_copy"]


def test_a_norm_of_something_else_is_left() -> None:
    text = CENTERED + '%r = pointwise(%e) {fn="rsqrt"}\n%y = mul(%x, %r)'
    assert "layer_norm" not in ops(normed(text))
    text = CENTERED.replace("%m = mean(%x) {axes=(2,)", "%m = mean(%x) {axes=(1,)")
    graph = normed(text + '%r = pointwise(%e) {fn="rsqrt"}\n%y = mul(%d, %r)')
    assert graph.nodes()[-1].attrs.get("rms") is True, "an RMS norm of the differences"


SHIFTED = """
        %m = reduce_max(%x) {axes=(2,), keepdims=true}
        %d = sub(%x, %m)
        %e = pointwise(%d) {fn="exp"}
        %s = sum(%e) {axes=(2,), keepdims=true}
"""


@pytest.mark.parametrize("shift", [True, False])
@pytest.mark.parametrize(
    "quotient", ["%y = div(%e, %s)", '%r = pointwise(%s) {fn="reciprocal"}\n%y = mul(%r, %e)']
)
def test_softmax(shift: bool, quotient: str) -> None:
    text = SHIFTED if shift else SHIFTED.replace("(%d)", "(%x)")
    graph = graph_of(f"input %x: f32[1, 3, 6]\n{text}{quotient}\noutput %y")
    assert ops(optimised(graph, FindSoftmax())) == ["softmax"]


def test_softmax_over_another_axis() -> None:
    graph = graph_of(f"input %x: f32[1, 3, 6]\n{SHIFTED.replace('(2,)', '(1,)')}%y = div(%e, %s)\noutput %y")
    assert ops(optimised(graph, FindSoftmax())) == ["transpose", "softmax", "transpose"]


def test_a_sum_over_another_axis_is_no_softmax() -> None:
    text = SHIFTED.replace("sum(%e) {axes=(2,)", "sum(%x) {axes=(2,)")
    graph = graph_of(f"input %x: f32[1, 3, 6]\n{text}%y = div(%e, %s)\noutput %y")
    assert "softmax" not in ops(optimised(graph, FindSoftmax(), rtol=1e-3))


def test_product_with_a_constant_matrix() -> None:
    graph = graph_of("""
        input %x: f32[1, 3, 6]
        const %w: f32[6, 2] = random(1)
        const %v: f32[1, 2, 3] = random(1)
        %a = matmul(%x, %w)
        %y = matmul(%v, %a)
        output %y
    """)
    result = optimised(graph, FindLinear())
    assert ops(result) == ["linear", "transpose", "linear", "transpose"]
    assert result.type(result.nodes()[0].inputs[1]).shape == (2, 6)


def test_product_with_a_stack_of_matrices_stays() -> None:
    graph = graph_of("""
        input %x: f32[2, 3, 6]
        const %w: f32[2, 6, 2] = random(1)
        %y = matmul(%x, %w)
        output %y
    """)
    assert lines(optimised(graph, FindLinear()))[1] == "%y = matmul(%x, %w)"


def group_normed(gamma: str = "[1, 1]", shape: str = "1, 6, 3, 5") -> Graph:
    return optimised(
        graph_of(f"""
        input %x: f32[{shape}]
        const %g: f32[2] = {gamma}
        const %b: f32[2] = zeros
        %r = reshape(%x) {{shape=(1, 2, 45)}}
        %t = transpose(%r) {{perm=(0, 2, 1)}}
        %i = reshape(%t) {{shape=(1, 45, 1, 2)}}
        %n = group_norm(%i, %g, %b) {{groups=2, epsilon=0.001}}
        %o = reshape(%n) {{shape=(1, 45, 2)}}
        %u = transpose(%o) {{perm=(0, 2, 1)}}
        %y = reshape(%u) {{shape=({shape})}}
        output %y
        """),
        FindGroupNorms(),
        CollapseViews(),
    )


@pytest.mark.parametrize("shape", ["1, 6, 3, 5", "1, 6, 15", "1, 6, 3, 5, 1"])
def test_group_norm_of_an_exporter(shape: str) -> None:
    graph = group_normed(shape=shape)
    (node,) = (n for n in graph.nodes() if n.op == "group_norm")
    assert graph.type(node.inputs[0]).shape[-1] == 6


def test_an_instance_norm_with_its_own_scales_is_left() -> None:
    graph = group_normed(gamma="[1, 2]")
    (node,) = (n for n in graph.nodes() if n.op == "group_norm")
    assert graph.type(node.inputs[0]).shape[-1] == 2
