"""The checker on what regions bring: rows that arrive, rows computed again, sums, copies, strips."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgec.diagnostics import Diagnostic
from edgec.ir import Graph
from edgec.schedule import Plan, Step, Window, check_plan
from edgec.schedule.plan import Feed
from tests.schedule.toys import join, part, right, tensor, toy, view

Steps = tuple[Step | Feed, ...]
ABC = (("a", "b", "c"),)


def agreed(graph: Graph, plan: Plan) -> bool:
    """Whether the checker accepts a plan, which it does exactly if the plan computes the right numbers."""
    try:
        check_plan(graph, plan)
    except Diagnostic:
        assert not right(graph, plan)
        return False
    assert right(graph, plan)
    return True


def rejected(graph: Graph, plan: Plan, message: str) -> None:
    with pytest.raises(Diagnostic, match=message):
        check_plan(graph, plan)


def test_input_that_arrives_row_by_row_in_a_ring() -> None:
    graph = Graph("stream")
    x = graph.add_input("x", tensor(6, 8))
    graph.outputs = [toy(graph, [x], tensor(6, 4), (("slide", 1, 1, 3),), name="a")]
    steps: list[Step | Feed] = [Feed("x", 0, 2)]
    for i in range(6):
        steps.append(Step("a", i, i + 1))
        if i + 2 < 6:
            steps.append(Feed("x", i + 2, i + 3))
    for pitch in (8, 12):
        for capacity, enough in [(3, True), (2, False)]:
            windows = {"x": Window(24, pitch, capacity), "a": Window(0, 4, 6)}
            plan = Plan(tuple(steps), windows, {}, 24 + capacity * pitch, 0, False, (("a",),))
            assert agreed(graph, plan) is enough
            assert not agreed(graph, replace(plan, steps=(*steps[1:2], *steps[:1], *steps[2:])))
            assert not agreed(graph, replace(plan, steps=tuple(s for s in steps if isinstance(s, Step))))


def test_all_rows_arrive() -> None:
    graph = Graph("unread")
    x, unread = graph.add_input("x", tensor(2, 8)), graph.add_input("unread", tensor(2, 8))
    graph.outputs = [toy(graph, [x], tensor(2, 8), name="a")]
    windows = {"x": Window(0, 8, 2), unread: Window(16, 8, 1), "a": Window(24, 8, 2)}
    steps: Steps = (Feed(unread, 0, 2), Step("a", 0, 2))
    plan = Plan(steps, windows, {}, 40, 0, False, (("a",),))
    assert agreed(graph, plan)
    rejected(graph, replace(plan, steps=(Feed(unread, 0, 1), steps[1])), "rows of unread never arrive")
    rejected(graph, replace(plan, steps=steps[1:]), r"row 0 of unread is needed .the caller writes it.")


def test_an_arriving_row_is_a_write() -> None:
    graph = Graph("over")
    x, y = graph.add_input("x", tensor(2, 8)), graph.add_input("y", tensor(2, 8))
    a = toy(graph, [x], tensor(2, 8), name="a")
    graph.outputs = [toy(graph, [a, y], tensor(2, 8), name="b")]
    windows = {"x": Window(0, 8, 2), "y": Window(0, 8, 2), "a": Window(16, 8, 2), "b": Window(32, 8, 2)}
    a_step, feed, b_step = Step("a", 0, 2), Feed("y", 0, 2), Step("b", 0, 2)
    plan = Plan((a_step, feed, b_step), windows, {}, 48, 0, False, (("a", "b"),))
    assert agreed(graph, plan)
    early = replace(plan, steps=(feed, a_step, b_step))
    rejected(graph, early, "row 0 of x is needed .operand 0 of a., but row 0 of y is there")


def test_a_row_may_be_computed_again() -> None:
    """Two readers far apart of a ring of one row: the second has the row computed once more."""
    graph = Graph("again")
    x = graph.add_input("x", tensor(3, 8))
    a = toy(graph, [x], tensor(3, 8), name="a")
    b = toy(graph, [a], tensor(3, 8), name="b")
    graph.outputs = [b, toy(graph, [a], tensor(3, 8), name="c")]
    windows = {"x": Window(0, 8, 3), "a": Window(24, 8, 1), "b": Window(32, 8, 3), "c": Window(56, 8, 3)}
    once = [Step(n, i, i + 1) for i in range(3) for n in "ab"]
    again = [Step(n, i, i + 1) for i in range(3) for n in "ac"]
    plan = Plan((*once, *again), windows, {}, 80, 0, False, ABC)
    assert agreed(graph, plan)
    kept = replace(plan, steps=(*once, *[s for s in again if s.node == "c"]))
    rejected(graph, kept, "row 0 of a is needed .operand 0 of c., but row 2 of a is there")


def sums(*steps: Step) -> tuple[Graph, Plan]:
    """A running sum in a window of one row, and a reader of its last row."""
    graph = Graph("sums")
    x = graph.add_input("x", tensor(4, 8))
    a = toy(graph, [x], tensor(4, 8), carries=True, name="a")
    graph.outputs = [toy(graph, [a], tensor(1, 8), (("slide", 9, -3, 1),), name="b")]
    windows = {"x": Window(0, 8, 4), "a": Window(32, 8, 1), "b": Window(40, 8, 1)}
    return graph, Plan((*steps, Step("b", 0, 1)), windows, {}, 64, 0, False, (("a", "b"),))


def test_sums_carried_on_in_one_row() -> None:
    rows = [Step("a", i, i + 1) for i in range(4)]
    assert agreed(*sums(*rows))
    assert agreed(*sums(Step("a", 0, 4)))
    assert agreed(*sums(Step("a", 0, 2), *rows[2:]))
    assert agreed(*sums(*rows[:2], *rows))  # from the beginning once more
    graph, lost = sums(*rows[:2], *rows[1:])
    assert not agreed(graph, lost)
    rejected(graph, lost, "row 0 of a is needed .row 1 goes on from it., but row 1 of a is there")
    assert not agreed(*sums(rows[0], *rows[2:], rows[1], *rows[2:]))


def test_sums_carried_on_are_not_written_over() -> None:
    graph = Graph("sums")
    x = graph.add_input("x", tensor(2, 8))
    a = toy(graph, [x], tensor(2, 8), carries=True, scratch=8, name="a")
    graph.outputs = [toy(graph, [x], tensor(2, 4), name="b"), a]
    steps = (Step("a", 0, 1), Step("b", 0, 2), Step("a", 1, 2))
    windows = {"x": Window(0, 8, 2), "a": Window(16, 8, 2), "b": Window(32, 4, 2)}
    plan = Plan(steps, windows, {"a": (40, 8)}, 48, 0, False, (("a", "b"),))
    assert agreed(graph, plan)
    over = replace(plan, windows={**windows, "b": Window(16, 4, 2)})
    assert not agreed(graph, over)
    rejected(graph, over, "row 0 of a is needed .row 1 goes on from it., but row 0 of b is there")
    spoilt = replace(plan, scratch={"a": (16, 8)}, windows={**windows, "a": Window(20, 8, 2)})
    assert not agreed(graph, spoilt)


def test_copies_only_where_rows_lie_over_what_they_need() -> None:
    graph = Graph("copies")
    x = graph.add_input("x", tensor(4, 8))
    graph.outputs = [toy(graph, [x], tensor(4, 8), claims=(0,), scratch=8, copies=4, name="a")]
    apart = {"x": Window(0, 8, 4), "a": Window(32, 8, 4)}
    plan = Plan((Step("a", 0, 4),), apart, {"a": (64, 8)}, 80, 0, False, (("a",),))
    assert agreed(graph, plan)
    over = replace(plan, windows={"x": Window(8, 8, 4), "a": Window(4, 8, 4)})
    assert not agreed(graph, over)
    rejected(graph, over, "the scratch has no room for copies")
    assert agreed(graph, replace(over, scratch={"a": (64, 12)}))
    assert agreed(graph, replace(over, windows={"x": Window(8, 8, 4), "a": Window(0, 8, 4)}))  # behind
    rejected(graph, replace(plan, scratch={}), "the scratch is too small")


def test_a_claim_in_a_ring_does_not_reach_rows_that_come_later() -> None:
    """Row 3 lies before row 1, the first that result row 1 needs: nothing may be written over its end."""
    graph = Graph("round")
    x = graph.add_input("x", tensor(4, 8))
    graph.outputs = [toy(graph, [x], tensor(2, 8), (("slide", 1, 0, 3),), claims=(0,), name="a")]
    steps: Steps = (Feed("x", 0, 3), Step("a", 0, 1), Feed("x", 3, 4), Step("a", 1, 2))
    windows = {"x": Window(16, 8, 3), "a": Window(0, 8, 2)}
    plan = Plan(steps, windows, {}, 48, 0, False, (("a",),))
    for address, good in [(0, True), (4, True), (8, True), (12, False), (28, False), (40, True)]:
        moved = replace(plan, windows={**windows, "a": Window(address, 8, 2)}, arena=60)
        assert agreed(graph, moved) is good, address


def test_a_claimed_row_ends_no_later_than_a_later_row_under_it() -> None:
    """Result row 1, twice as wide, would cover row 3, and row 1 that lies behind it in the ring."""
    graph = Graph("wide")
    x = graph.add_input("x", tensor(4, 4))
    graph.outputs = [toy(graph, [x], tensor(2, 8), (("slide", 1, 0, 3),), claims=(0,), name="a")]
    steps: Steps = (Feed("x", 0, 3), Step("a", 0, 1), Feed("x", 3, 4), Step("a", 1, 2))
    for address, good in [(4, True), (8, False)]:
        windows = {"x": Window(16, 4, 3), "a": Window(address, 8, 2)}
        assert agreed(graph, Plan(steps, windows, {}, 28, 0, False, (("a",),))) is good


def strips() -> tuple[Graph, Plan]:
    """A map in two halves: each computed from columns of the input, side by side in the join."""
    graph = Graph("strips")
    x = graph.add_input("x", tensor(4, 12))
    left, east = part(graph, x, 0, 8, "left"), part(graph, x, 4, 8, "east")
    a = toy(graph, [left], tensor(4, 4), (("slide", 1, 1, 3),), name="a")
    b = toy(graph, [east], tensor(4, 8), (("slide", 1, 1, 3),), name="b")
    y = join(graph, [a, b], "y")
    graph.outputs = [toy(graph, [y], tensor(4, 12), (("slide", 1, 1, 3),), name="c")]
    windows = {v: Window(at, 12, 4) for v, at in [("x", 0), ("left", 0), ("east", 4), ("y", 48), ("a", 48)]}
    windows |= {"b": Window(52, 12, 4), "c": Window(96, 12, 4)}
    steps = (Step("a", 0, 4), Step("b", 0, 4), Step("c", 0, 4))
    return graph, Plan(steps, windows, {}, 144, 0, False, ABC)


def test_parts_of_rows_and_rows_side_by_side() -> None:
    graph, plan = strips()
    assert agreed(graph, plan)
    a, b, c = plan.steps
    swapped = replace(plan, steps=(a, c, b))
    rejected(graph, swapped, "row 0 of y is needed .operand 0 of c., but nothing was written there")
    for v, kind in [("left", "view of x"), ("east", "view of x"), ("b", "part of y")]:
        w = plan.windows[v]
        for other in (Window(8, 12, 4), Window(w.address, 16, 4), Window(w.address, 12, 3)):
            moved = replace(plan, windows={**plan.windows, v: other}, arena=160)
            rejected(graph, moved, f"{v} is a {kind} and lies elsewhere")


def test_strips_in_a_ring_lie_between_each_other() -> None:
    """Rows of b are written between those of a that are still needed."""
    graph, plan = strips()
    steps: list[Step | Feed] = []
    for i in range(5):
        steps += [Step(n, i, i + 1) for n in "ab" if i < 4]
        steps += [Step("c", i - 1, i)] * (i > 0)
    for capacity, enough in [(3, True), (2, False)]:
        ring = {v: replace(w, capacity=capacity) if v in "yab" else w for v, w in plan.windows.items()}
        assert agreed(graph, replace(plan, steps=tuple(steps), windows=ring)) is enough


def test_views_of_views_of_parts() -> None:
    """A part of a part, and a view of other rows beside it, have the bytes of the first."""
    graph = Graph("nested")
    x = graph.add_input("x", tensor(4, 8))
    inner = part(graph, part(graph, x, 2, 6, "outer"), 1, 4, "inner")
    seen = view(graph, x, (1, 2, 16))
    a = toy(graph, [x], tensor(4, 8), claims=(0,), name="a")
    graph.outputs = [a, toy(graph, [inner, seen], tensor(2, 8), name="b")]
    windows = {
        "x": Window(0, 8, 4),
        "outer": Window(2, 8, 4),
        "inner": Window(3, 8, 4),
        seen: Window(0, 16, 2),
    }
    windows |= {"a": Window(32, 8, 4), "b": Window(64, 8, 2)}
    plan = Plan((Step("a", 0, 4), Step("b", 0, 2)), windows, {}, 80, 0, False, (("a", "b"),))
    assert agreed(graph, plan)
    over = replace(plan, windows={**windows, "a": Window(0, 8, 4)})
    assert not agreed(graph, over)
    rejected(graph, over, "row 0 of inner is needed .operand 0 of b., but row 0 of a is there")


def test_a_constant_has_no_place_to_be_seen_in() -> None:
    graph = Graph("constant")
    c = graph.add_constant("c", np.zeros((1, 2, 4), np.int8), tensor(2, 4).quant)
    v = view(graph, c, (1, 4, 2))
    graph.outputs = [v]
    plan = Plan((), {v: Window(0, 2, 4)}, {}, 8, 0, False)
    rejected(graph, plan, "c, a constant, would have to lie in the arena")
