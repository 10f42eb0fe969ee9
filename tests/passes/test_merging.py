"""fold_constants, merge_equal, remove_dead, merge_concats, fold_permutations."""

from __future__ import annotations

import pytest

from edgec.passes.collapse_views import CollapseViews
from edgec.passes.fold_constants import FoldConstants
from edgec.passes.fold_permutations import FoldPermutations
from edgec.passes.merge_concats import MergeConcats
from edgec.passes.merge_equal import MergeEqual
from edgec.passes.remove_dead import RemoveDead
from tests.passes.common import graph_of, lines, ops, optimised


def test_constants_are_computed_and_shrunk() -> None:
    graph = optimised(
        graph_of("""
        input %x: f32[2, 3, 4]
        const %c: f32[1, 4] = random(1)
        const %two: f32[] = [2]
        %e = expand(%c) {shape=(3, 4)}
        %m = mul(%e, %two)
        %y = add(%x, %m)
        output %y
        """),
        FoldConstants(),
    )
    (node,) = graph.nodes()
    assert node.op == "add" and graph.type(node.inputs[1]).shape == (1, 4)


def test_a_constant_that_gives_the_shape_keeps_it() -> None:
    graph = optimised(
        graph_of("""
        input %x: f32[1, 4]
        const %c: f32[3, 1] = [1, 1, 1]
        %y = add(%x, %c)
        output %y
        """),
        FoldConstants(),
    )
    assert graph.type(graph.nodes()[0].inputs[1]).shape == (3, 1)


def test_equal_ops_and_equal_constants() -> None:
    graph = optimised(
        graph_of("""
        input %x: f32[2, 4]
        const %c: f32[4] = [1, 2, 3, 4]
        const %d: f32[4] = [1, 2, 3, 4]
        %a = mul(%x, %c)
        %b = mul(%x, %d)
        %p = pointwise(%a) {fn="relu"}
        %q = pointwise(%b) {fn="relu"}
        %r = pointwise(%b) {fn="abs"}
        %y = add(%p, %q)
        output %y, %r
        """),
        MergeEqual(),
    )
    assert ops(graph) == ["mul", "pointwise", "pointwise", "add"]


def test_dead_ops_go() -> None:
    graph = graph_of("""
        input %x: f32[2, 4]
        const %c: f32[4] = zeros
        %a = mul(%x, %c)
        %y = pointwise(%x) {fn="relu"}
        output %y
    """)
    changes = RemoveDead().run(graph)
    assert ops(graph) == ["pointwise"] and "c" not in graph.values
    assert changes.made == [("a", "no output depends on it")]


def test_patch_merging_is_one_copy() -> None:
    part = "slice(%x) {starts=(0, %, 0), stops=(4, 4, 3), steps=(2, 2, 1)}"
    graph = optimised(
        graph_of(f"""
        input %x: f32[4, 4, 3]
        %a = {part.replace("(0, %, 0)", "(0, 0, 0)")}
        %b = {part.replace("(0, %, 0)", "(1, 0, 0)")}
        %c = {part.replace("(0, %, 0)", "(0, 1, 0)")}
        %d = {part.replace("(0, %, 0)", "(1, 1, 0)")}
        %y = concat(%a, %b, %c, %d) {{axis=2}}
        output %y
        """),
        MergeConcats(),
    )
    assert lines(graph)[1].endswith("sizes=(2, 4, 2, 3), strides=(24, 3, 12, 1), offset=0}")


def test_halves_put_together_again_are_nothing() -> None:
    graph = optimised(
        graph_of("""
        input %x: f32[2, 6]
        %a = slice(%x) {starts=(0, 0), stops=(2, 3), steps=(1, 1)}
        %b = slice(%x) {starts=(0, 3), stops=(2, 6), steps=(1, 1)}
        %c = concat(%a, %b) {axis=1}
        %d = concat(%b, %a) {axis=1}
        %y = pointwise(%c) {fn="relu"}
        output %y, %d
        """),
        MergeConcats(),
    )
    assert ops(graph) == ["pointwise", "gather"] or ops(graph) == ["strided_copy", "pointwise"]


def test_a_concat_of_the_tensor_itself_is_left() -> None:
    graph = optimised(
        graph_of("""
        input %x: f32[2, 6]
        %y = concat(%x, %x) {axis=1}
        output %y
        """),
        MergeConcats(),
    )
    assert ops(graph) == ["concat"]


def test_a_linear_takes_a_permuted_flattening() -> None:
    graph = optimised(
        graph_of("""
        input %x: f32[2, 4, 5, 3]
        const %w: f32[7, 60] = random(1)
        %a = transpose(%x) {perm=(0, 3, 1, 2)}
        %b = reshape(%a) {shape=(2, 60)}
        %y = linear(%b, %w)
        output %y
        """),
        FoldPermutations(),
        CollapseViews(),
    )
    assert ops(graph) == ["reshape", "linear"]


@pytest.mark.parametrize("perm", [(1, 0, 2), (0, 2, 1)])
def test_a_permutation_across_rows_stays(perm: tuple[int, ...]) -> None:
    graph = optimised(
        graph_of(f"""
        input %x: f32[3, 3, 3]
        const %w: f32[7, 3] = random(1)
        %a = transpose(%x) {{perm={perm!s}}}
        %y = linear(%a, %w)
        output %y
        """),
        FoldPermutations(),
        CollapseViews(),
    )
    assert ops(graph) == ["strided_copy", "linear"]
