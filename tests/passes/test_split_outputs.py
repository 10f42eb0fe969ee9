"""split_outputs: layers that are cut into channels compute the pieces."""

from __future__ import annotations

import pytest

from edgec.ir import Graph
from edgec.passes.absorb_views import AbsorbViews
from edgec.passes.collapse_views import CollapseViews, remaining_copies
from edgec.passes.layout import SolveLayout
from edgec.passes.split_outputs import SplitOutputs
from tests.passes.common import graph_of, ops, optimised

FIRST = "slice(%a) {starts=(0, 0, 0), stops=(1, 4, 5), steps=(1, 1, 1)}"
SECOND = "slice(%a) {starts=(0, 0, 5), stops=(1, 4, 8), steps=(1, 1, 1)}"
CONV = 'stride=(1, 1), padding=(1, 1, 1, 1), dilation=(1, 1), groups=1, activation="relu"'


def split(text: str) -> Graph:
    graph = graph_of(f"""
        input %x: f32[1, 4, 6]
        const %w: f32[8, 6] = random(1)
        const %b: f32[8] = random(2)
        %l = linear(%x, %w, %b)
        {text}
    """)
    return optimised(graph, SolveLayout(), SplitOutputs(), AbsorbViews(), CollapseViews())


def test_two_halves_behind_an_activation() -> None:
    graph = split(f"""
        %a = pointwise(%l) {{fn="gelu"}}
        %p = {FIRST}
        %q = {SECOND}
        %y = pointwise(%q) {{fn="relu"}}
        output %p, %y
    """)
    assert ops(graph) == ["linear", "linear", "pointwise", "pointwise", "pointwise"]
    assert remaining_copies(graph) == (0, 0)


def test_channels_that_nobody_reads_are_left_out() -> None:
    graph = split(f"""
        %a = reshape(%l) {{shape=(1, 4, 8)}}
        %p = {FIRST}
        %y = pointwise(%p) {{fn="relu"}}
        output %y
    """)
    assert ops(graph) == ["linear", "pointwise"]
    assert graph.type(graph.nodes()[0].inputs[1]).shape == (5, 6)


def test_a_convolution_and_its_heads() -> None:
    graph = optimised(
        graph_of(f"""
        input %x: f32[1, 4, 4, 6]
        const %w: f32[8, 3, 3, 6] = random(1)
        %l = conv2d(%x, %w) {{{CONV}}}
        %t = transpose(%l) {{perm=(0, 3, 1, 2)}}
        %p = slice(%t) {{starts=(0, 0, 0, 0), stops=(1, 4, 4, 4), steps=(1, 1, 1, 1)}}
        %q = slice(%t) {{starts=(0, 4, 0, 0), stops=(1, 8, 4, 4), steps=(1, 1, 1, 1)}}
        %y = add(%p, %q)
        %z = transpose(%y) {{perm=(0, 2, 3, 1)}}
        output %z
        """),
        SolveLayout(),
        SplitOutputs(),
        CollapseViews(),
    )
    assert ops(graph) == ["conv2d", "conv2d", "add"]


def test_normed_heads_follow() -> None:
    """q and k are normed per head, which takes copies of them unless they come by themselves."""
    graph = optimised(
        graph_of("""
        input %x: f32[1, 5, 12]
        const %w: f32[36, 12] = random(1)
        %l = linear(%x, %w)
        %h = reshape(%l) {shape=(1, 5, 3, 3, 4)}
        %t = transpose(%h) {perm=(2, 0, 3, 1, 4)}
        %q0 = slice(%t) {starts=(0, 0, 0, 0, 0), stops=(1, 1, 3, 5, 4), steps=(1, 1, 1, 1, 1)}
        %k0 = slice(%t) {starts=(1, 0, 0, 0, 0), stops=(2, 1, 3, 5, 4), steps=(1, 1, 1, 1, 1)}
        %v0 = slice(%t) {starts=(2, 0, 0, 0, 0), stops=(3, 1, 3, 5, 4), steps=(1, 1, 1, 1, 1)}
        %q1 = reshape(%q0) {shape=(1, 3, 5, 4)}
        %k1 = reshape(%k0) {shape=(1, 3, 5, 4)}
        %v = reshape(%v0) {shape=(1, 3, 5, 4)}
        %q = layer_norm(%q1) {epsilon=0.001, rms=false}
        %k = layer_norm(%k1) {epsilon=0.001, rms=false}
        %a = attention(%q, %k, %v) {scale=0.5}
        %y = reshape(%a) {shape=(1, 5, 12)}
        output %y
        """),
        SolveLayout(),
        SplitOutputs(),
        AbsorbViews(),
        CollapseViews(),
    )
    assert remaining_copies(graph) == (0, 0)
    assert ops(graph).count("linear") == 3


@pytest.mark.parametrize(
    "uses",
    [
        f"%p = {FIRST}\n%q = {SECOND}\noutput %p, %q, %a",  # the whole is needed, too
        f"%p = {FIRST}\n%y = softmax(%a) {{beta=1.0}}\noutput %p, %y",
    ],
)
def test_left_whole(uses: str) -> None:
    graph = split(f'%a = pointwise(%l) {{fn="gelu"}}\n{uses}')
    assert ops(graph).count("linear") == 1
