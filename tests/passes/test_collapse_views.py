"""collapse_views: chains of views become nothing, one alias, one copy."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from edgec.ir import Graph, TensorType
from edgec.ops.base import add_op
from edgec.passes.collapse_views import CollapseViews, remaining_copies
from tests.ops.test_views import steps
from tests.passes.common import graph_of, lines, ops, optimised


def collapsed(text: str) -> Graph:
    return optimised(graph_of(text), CollapseViews())


def test_transposes_that_cancel_leave_nothing() -> None:
    graph = collapsed("""
        input %x: f32[1, 4, 6, 3]
        %a = transpose(%x) {perm=(0, 3, 1, 2)}
        %b = reshape(%a) {shape=(1, 3, 24)}
        %c = transpose(%b) {perm=(0, 2, 1)}
        %d = reshape(%c) {shape=(1, 4, 6, 3)}
        %y = pointwise(%d) {fn="relu"}
        output %y
    """)
    assert lines(graph) == ["input %x: f32[1, 4, 6, 3]", '%y = pointwise(%x) {fn="relu"}', "output %y"]


def test_a_chain_that_moves_is_one_copy_with_few_loops() -> None:
    graph = collapsed("""
        input %x: f32[1, 4, 6, 3]
        %a = transpose(%x) {perm=(0, 3, 1, 2)}
        %b = reshape(%a) {shape=(1, 3, 24)}
        %y = pointwise(%b) {fn="relu"}
        output %y
    """)
    assert lines(graph)[1:3] == [
        "%strided_copy = strided_copy(%x) {shape=(1, 3, 24), sizes=(3, 24), strides=(1, 3), offset=0}",
        '%y = pointwise(%strided_copy) {fn="relu"}',
    ]
    assert remaining_copies(graph) == (1, 288)


def test_equal_copies_are_one_with_an_alias_for_another_shape() -> None:
    graph = collapsed("""
        input %x: f32[1, 4, 6]
        %a = transpose(%x) {perm=(0, 2, 1)}
        %b = transpose(%x) {perm=(2, 0, 1)}
        %p = pointwise(%a) {fn="relu"}
        %q = pointwise(%b) {fn="abs"}
        output %p, %q
    """)
    assert ops(graph) == ["strided_copy", "reshape", "pointwise", "pointwise"]


def test_a_roll_is_a_gather_of_large_chunks() -> None:
    graph = collapsed("""
        input %x: f32[1, 4, 6, 8]
        %a = take(%x) {axis=1, indices=(1, 2, 3, 0)}
        %y = pointwise(%a) {fn="relu"}
        output %y
    """)
    assert lines(graph)[1].endswith("{shape=(1, 4, 6, 8), chunk=48}")


def test_taking_even_rows_is_found_to_be_regular() -> None:
    graph = collapsed("""
        input %x: f32[1, 4, 8]
        %a = take(%x) {axis=1, indices=(3, 1)}
        %y = pointwise(%a) {fn="relu"}
        output %y
    """)
    assert ops(graph) == ["strided_copy", "pointwise"]


def test_outputs_are_collapsed_and_constants_computed() -> None:
    graph = collapsed("""
        input %x: f32[1, 4, 8]
        const %c: f32[2, 3] = [[1, 2, 3], [4, 5, 6]]
        %a = reshape(%x) {shape=(4, 8)}
        %b = transpose(%a) {perm=(1, 0)}
        %d = transpose(%c) {perm=(1, 0)}
        %e = reshape(%x) {shape=(32,)}
        %f = reshape(%e) {shape=(1, 4, 8)}
        output %b, %d, %f
    """)
    assert ops(graph) == ["strided_copy"]
    assert graph.outputs[2] == "x"


def test_integer_tensors_keep_their_quantization() -> None:
    graph = collapsed("""
        input %x: i8[1, 4, 8] q(0.5, 3)
        %a = transpose(%x) {perm=(0, 2, 1)} : i8 q(0.5, 3)
        output %a
    """)
    assert graph.type(graph.outputs[0]).q.z == 3


def test_collapsing_again_changes_nothing() -> None:
    once = collapsed("""
        input %x: f32[1, 4, 6, 8]
        %a = take(%x) {axis=1, indices=(1, 2, 3, 0)}
        %b = transpose(%x) {perm=(0, 3, 1, 2)}
        %c = reshape(%b) {shape=(1, 8, 24)}
        %d = reshape(%b) {shape=(8, 24)}
        %e = reshape(%x) {shape=(8, 24)}
        %p = pointwise(%a) {fn="relu"}
        %q = pointwise(%c) {fn="relu"}
        %r = pointwise(%d) {fn="relu"}
        %s = pointwise(%e) {fn="relu"}
        output %p, %q, %r, %s
    """)
    twice = once.copy()
    changes = CollapseViews().run(twice)
    assert not changes.made and lines(twice) == lines(once)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_drawn_chains(data: st.DataObject) -> None:
    graph = Graph()
    value = graph.add_input(
        "x", TensorType(tuple(data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=4))))
    )
    for _ in range(data.draw(st.integers(1, 5))):
        if math.prod(graph.type(value).shape) > 2000:
            break
        op, attrs = data.draw(steps(graph.type(value).shape))
        (value,) = add_op(graph, op, [value], attrs, path="p")
        if data.draw(st.booleans()):
            graph.outputs += add_op(graph, "pointwise", [value], {"fn": "neg"}, path="p")
    graph.outputs.append(value)
    result = optimised(graph, CollapseViews())
    for node in result.nodes():
        assert node.op in ("pointwise", "reshape", "strided_copy", "gather")
