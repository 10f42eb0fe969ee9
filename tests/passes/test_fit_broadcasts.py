"""fit_broadcasts: whatever numpy broadcasts, the kernels can compute afterwards."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from edgec.ops.base import call_of, op_of
from edgec.ops.binary import Binary
from edgec.passes.collapse_views import CollapseViews
from edgec.passes.fit_broadcasts import FitBroadcasts
from tests.passes.common import graph_of, ops, optimised


def fitted(a: str, b: str, constant: bool = False) -> list[str]:
    second = f"const %b: f32[{b}] = random(1)" if constant else f"input %b: f32[{b}]"
    graph = graph_of(f"input %a: f32[{a}]\n{second}\n%y = add(%a, %b)\noutput %y")
    result = optimised(graph, FitBroadcasts(), CollapseViews())
    for node in result.nodes():
        if isinstance(op := op_of(node), Binary):
            assert op.fits(call_of(result, node))
    return ops(result)


def test_what_fits_is_left() -> None:
    assert fitted("1, 5, 6", "6") == ["add"]
    assert fitted("1, 5, 6, 4", "1, 1, 1, 4") == ["add"]


def test_operands_of_another_rank_and_more_axes() -> None:
    assert "add" in fitted("1, 6, 2, 4, 4", "1, 6, 1, 4, 4")
    assert "strided_copy" not in fitted("1, 6, 2, 4, 4", "1, 6, 1, 4, 4")


def test_too_many_axes_are_written_out() -> None:
    assert "strided_copy" in fitted("2, 1, 3, 1, 2, 1, 3", "2, 2, 3, 2, 2, 2, 3")


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_any_broadcast(data: st.DataObject) -> None:
    out = data.draw(st.lists(st.integers(1, 3), min_size=1, max_size=6))
    shapes = []
    for _ in range(2):
        shape = [data.draw(st.sampled_from([1, n])) for n in out]
        shapes.append(", ".join(map(str, shape[data.draw(st.integers(0, len(out) - 1)) :])))
    fitted(shapes[0], shapes[1], data.draw(st.booleans()))
