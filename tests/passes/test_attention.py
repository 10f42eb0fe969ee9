"""find_attention and absorb_views: spelled-out attention reads one tensor and moves nothing."""

from __future__ import annotations

import pytest

from edgec.ir import Graph
from edgec.passes.absorb_views import AbsorbViews
from edgec.passes.collapse_views import CollapseViews, remaining_copies
from edgec.passes.find_attention import FindAttention
from edgec.passes.fold_constants import FoldConstants
from edgec.passes.simplify_arithmetic import SimplifyArithmetic
from tests.passes.common import graph_of, ops, optimised

PASSES = (SimplifyArithmetic(), FoldConstants(), FindAttention(), AbsorbViews(), CollapseViews())

HEADS = """
        input %x: f32[1, 5, 12]
        const %w: f32[36, 12] = random(1)
        const %half: f32[] = [0.5]
        const %four: f32[] = [4]
        const %mask: f32[5, 5] = random(2)
        %l = linear(%x, %w)
        %h = reshape(%l) {shape=(1, 5, 3, 3, 4)}
        %t = transpose(%h) {perm=(2, 0, 3, 1, 4)}
        %q0 = slice(%t) {starts=(0, 0, 0, 0, 0), stops=(1, 1, 3, 5, 4), steps=(1, 1, 1, 1, 1)}
        %k0 = slice(%t) {starts=(1, 0, 0, 0, 0), stops=(2, 1, 3, 5, 4), steps=(1, 1, 1, 1, 1)}
        %v0 = slice(%t) {starts=(2, 0, 0, 0, 0), stops=(3, 1, 3, 5, 4), steps=(1, 1, 1, 1, 1)}
        %q = reshape(%q0) {shape=(LEAD, 5, 4)}
        %k = reshape(%k0) {shape=(LEAD, 5, 4)}
        %v = reshape(%v0) {shape=(LEAD, 5, 4)}
"""
MERGE = {
    "1, 3": "%o = transpose(%a) {perm=(0, 2, 1, 3)}\n%y = reshape(%o) {shape=(1, 5, 12)}\noutput %y",
    "3": "%o = transpose(%a) {perm=(1, 0, 2)}\n%y = reshape(%o) {shape=(1, 5, 12)}\noutput %y",
}
SWAP = {"1, 3": "perm=(0, 1, 3, 2)", "3": "perm=(0, 2, 1)"}
SCALED = {
    "scores, by a product": "%kt = transpose(%k) {SWAP}\n%r = matmul(%q, %kt)\n%s = mul(%r, %half)",
    "scores, by a division": "%kt = transpose(%k) {SWAP}\n%r = matmul(%q, %kt)\n%s = div(%r, %four)",
    "queries": "%p = mul(%q, %half)\n%kt = transpose(%k) {SWAP}\n%s = matmul(%p, %kt)",
    "keys": "%j = mul(%k, %half)\n%kt = transpose(%j) {SWAP}\n%s = matmul(%q, %kt)",
    "both": "%p = mul(%half, %q)\n%kt = transpose(%k) {SWAP}\n%j = mul(%kt, %half)\n%s = matmul(%p, %j)",
    "masked": "%kt = transpose(%k) {SWAP}\n%r = matmul(%q, %kt)\n%g = mul(%r, %half)\n%s = add(%g, %mask)",
    "masked, then scaled": (
        "%kt = transpose(%k) {SWAP}\n%r = matmul(%q, %kt)\n%g = add(%mask, %r)\n%s = mul(%g, %half)"
    ),
}


def attention(lead: str, scores: str, end: str = "") -> Graph:
    text = HEADS.replace("LEAD", lead) + scores.replace("{SWAP}", "{" + SWAP[lead] + "}")
    text += "\n%w1 = softmax(%s) {beta=1.0}\n%a = matmul(%w1, %v)\n" + (end or MERGE[lead])
    return graph_of(text)


@pytest.mark.parametrize("lead", ["1, 3", "3"])
@pytest.mark.parametrize("scaled", SCALED)
def test_every_place_of_the_scale(lead: str, scaled: str) -> None:
    graph = optimised(attention(lead, SCALED[scaled]), *PASSES)
    assert [op for op in ops(graph) if op != "reshape"] == ["linear", "attention"]
    node = next(n for n in graph.nodes() if n.op == "attention")
    assert remaining_copies(graph) == (0, 0)
    assert node.attrs["scale"] == {"scores, by a division": 0.25, "both": 0.25}.get(scaled, 0.5)
    assert node.attrs["dims"] == (1, 3, 5, 5, 4, 4)
    assert node.attrs["k_view"] == (12, 0, 4, 36) and len(set(node.inputs[:3])) == 1
    assert len(node.inputs) == (4 if "masked" in scaled else 3)


def test_a_mask_behind_a_reshape() -> None:
    """Windows of an image: the mask differs by window, the bias does not."""
    graph = optimised(
        graph_of("""
        input %q: f32[6, 2, 4, 3]
        input %kt: f32[6, 2, 3, 4]
        input %v: f32[6, 2, 4, 3]
        const %bias: f32[1, 2, 4, 4] = random(1)
        const %mask: f32[1, 6, 1, 4, 4] = random(2)
        %s = matmul(%q, %kt)
        %a = add(%s, %bias)
        %b = reshape(%a) {shape=(1, 6, 2, 4, 4)}
        %c = add(%b, %mask)
        %d = reshape(%c) {shape=(6, 2, 4, 4)}
        %e = softmax(%d) {beta=1.0}
        %y = matmul(%e, %v)
        output %y
        """),
        FindAttention(),
    )
    node = next(n for n in graph.nodes() if n.op == "attention")
    assert graph.type(node.inputs[3]).shape == (6, 2, 4, 4)


def test_one_key_head_for_all_queries() -> None:
    graph = optimised(
        graph_of("""
        input %q: f32[1, 4, 5, 3]
        input %kt: f32[1, 1, 3, 5]
        input %v: f32[1, 1, 5, 3]
        %s = matmul(%q, %kt)
        %e = softmax(%s) {beta=2.0}
        %y = matmul(%e, %v)
        output %y
        """),
        *PASSES,
    )
    node = next(n for n in graph.nodes() if n.op == "attention")
    assert node.attrs["scale"] == 2.0 and node.attrs["v_view"] == (0, 0, 0, 3)
    assert ops(graph).count("strided_copy") == 2, "keys transposed, the result in its own order"


@pytest.mark.parametrize(
    "scores",
    [
        "%kt = transpose(%k) {SWAP}\n%r = matmul(%q, %kt)\n%s = add(%r, %q1)",
        '%kt = transpose(%k) {SWAP}\n%r = matmul(%q, %kt)\n%s = pointwise(%r) {fn="tanh"}',
    ],
)
def test_other_scores_are_left(scores: str) -> None:
    text = scores.replace("%s = add(%r, %q1)", "%q1 = matmul(%k, %kt)\n%s = add(%r, %q1)")
    assert "attention" not in ops(optimised(attention("3", text), *PASSES))


def test_scores_used_elsewhere_are_left() -> None:
    graph = attention("3", SCALED["queries"], "output %a, %s")
    assert "attention" not in ops(optimised(graph, *PASSES))


def test_products_of_activations_read_through_views() -> None:
    graph = optimised(
        graph_of(
            """
        input %x: f32[1, 5, 12]
        input %z: f32[1, 5, 6]
        %h = reshape(%x) {shape=(1, 5, 3, 4)}
        %t = transpose(%h) {perm=(0, 2, 3, 1)}
        %p = matmul(%t, %h1)
        output %p
        """.replace("%h1", "%z1").replace("%p =", "%z1 = reshape(%z) {shape=(1, 1, 5, 6)}\n%p =")
        ),
        AbsorbViews(),
        CollapseViews(),
    )
    node = next(n for n in graph.nodes() if n.op == "matmul")
    assert node.inputs == ("x", "z")
    assert node.attrs["dims"] == (3, 4, 6, 5)
    assert node.attrs["a_view"] == (0, 4, 1, 12) and node.attrs["b_view"] == (0, 0, 6, 1)
    assert remaining_copies(graph) == (0, 0)


def test_a_view_without_strides_is_copied_first() -> None:
    graph = optimised(
        graph_of("""
        input %x: f32[1, 6, 4]
        input %z: f32[1, 6, 4]
        %r = take(%x) {axis=1, indices=(2, 3, 4, 5, 0, 1)}
        %t = transpose(%z) {perm=(0, 2, 1)}
        %p = matmul(%r, %t)
        output %p
        """),
        AbsorbViews(),
        CollapseViews(),
    )
    assert ops(graph) == ["gather", "matmul"]


def test_heads_by_einsum() -> None:
    """Weights and values go through views that amount to nothing before they are multiplied."""
    graph = optimised(
        graph_of("""
        input %q: f32[1, 2, 5, 4]
        input %kt: f32[1, 2, 4, 5]
        input %v: f32[1, 2, 5, 4]
        const %half: f32[] = [0.5]
        %s = matmul(%q, %kt)
        %t = mul(%s, %half)
        %w = softmax(%t) {beta=1.0}
        %w1 = reshape(%w) {shape=(1, 2, 5, 5, 1)}
        %w2 = transpose(%w1) {perm=(1, 2, 3, 0, 4)}
        %w3 = reshape(%w2) {shape=(2, 5, 5)}
        %v1 = reshape(%v) {shape=(2, 5, 4)}
        %y = matmul(%w3, %v1)
        output %y
        """),
        *PASSES,
    )
    assert "attention" in ops(graph) and "matmul" not in ops(graph)
    assert graph.type(graph.outputs[0]).shape == (2, 5, 4)


def test_a_scale_for_every_head_goes_to_the_queries() -> None:
    graph = optimised(
        graph_of("""
        input %q: f32[1, 2, 5, 4]
        input %kt: f32[1, 2, 4, 5]
        input %v: f32[1, 2, 5, 4]
        const %scale: f32[2, 1, 1] = [[[0.5]], [[2]]]
        const %mask: f32[5, 5] = random(1)
        %s = matmul(%q, %kt)
        %m = add(%s, %mask)
        %t = mul(%m, %scale)
        %r = reshape(%t) {shape=(2, 5, 5)}
        %w = softmax(%r) {beta=1.0}
        %v1 = reshape(%v) {shape=(2, 5, 4)}
        %y = matmul(%w, %v1)
        output %y
        """),
        FindAttention(),
    )
    assert [op for op in ops(graph) if op not in ("reshape", "transpose")] == ["mul", "attention"]
