"""The checker: damaged plans are rejected exactly where they do damage, and every rule has its sentence."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgec.diagnostics import Diagnostic
from edgec.ir import Graph
from edgec.ops.base import Rows
from edgec.schedule import Plan, Step, Window, check_plan, make_plan
from edgec.schedule.plan import Feed
from tests.schedule.damage import (
    DAMAGE,
    breaks_a_rule,
    move_scratch,
    shift,
    shrink_arena,
    split_step,
    swap_places,
    swap_steps,
)
from tests.schedule.toys import Toy, graphs, right, tensor, toy, view
from tests.schedule.weave import weave


def accepted(graph: Graph, plan: Plan) -> bool:
    try:
        check_plan(graph, plan)
    except Diagnostic:
        return False
    return True


# -- drawn plans and drawn damage -----------------------------------------


@settings(deadline=None, max_examples=150)
@given(graphs(rich=True), st.booleans(), st.integers(0, 2**31))
def test_right_plans_are_accepted(graph: Graph, planned: bool, seed: int) -> None:
    plan = make_plan(graph, stream=seed % 2 == 0) if planned else weave(graph, random.Random(seed))
    assert right(graph, plan)
    check_plan(graph, plan)


@settings(deadline=None, max_examples=120)
@given(graphs(rich=True), st.integers(0, 2).map(bool), st.sampled_from(DAMAGE), st.integers(0, 2**31))
def test_damage_is_rejected_exactly_where_it_is_real(
    graph: Graph, woven: bool, damage: Callable[[Plan, random.Random, Graph], Plan], seed: int
) -> None:
    rng = random.Random(seed)
    plan = weave(graph, rng) if woven else make_plan(graph, stream=seed % 2 == 0)
    if not plan.steps:
        return
    damaged = damage(plan, rng, graph)
    harmful = breaks_a_rule(graph, damaged) or not right(graph, damaged)
    assert accepted(graph, damaged) == (not harmful)
    if damage is split_step:
        assert not harmful
    if damage is shrink_arena and not woven:
        assert harmful


def test_the_damage_is_often_real_and_often_not() -> None:
    graph = Graph("fixed")
    x = graph.add_input("x", tensor(4, 8))
    a = toy(graph, [x], tensor(4, 8), (("slide", 1, 1, 3),), scratch=8, name="a")
    b = toy(graph, [a, x], tensor(4, 8), claims=(0,), name="b")
    graph.outputs = [toy(graph, [b], tensor(4, 4), claims=(0,), name="c")]
    plan = make_plan(graph)
    plan = replace(plan, arena=plan.arena + 32)  # room for harmless moves
    for damage in (shift, swap_places, move_scratch, swap_steps):
        results = {accepted(graph, damage(plan, random.Random(k), graph)) for k in range(60)}
        assert results == {True, False}, damage


# -- rows in rings ------------------------------------------------------


def ringed(capacity: int) -> tuple[Graph, Plan]:
    """Two convolutions under one row loop, with `capacity` rows between them."""
    graph = Graph("ring")
    x = graph.add_input("x", tensor(8, 8))
    mid = toy(graph, [x], tensor(8, 4), (("slide", 1, 1, 3),), name="first")
    graph.outputs = [toy(graph, [mid], tensor(8, 4), (("slide", 1, 1, 3),), name="second")]
    steps = [Step("first", 0, 2)]
    for i in range(8):
        steps.append(Step("second", i, i + 1))
        if i + 2 < 8:
            steps.append(Step("first", i + 2, i + 3))
    windows = {
        "x": Window(0, 8, 8),
        "first": Window(64, 4, capacity),
        "second": Window(64 + 4 * capacity, 4, 8),
    }
    return graph, Plan(tuple(steps), windows, {}, 64 + 4 * capacity + 32, 0, False, (("first", "second"),))


def test_a_ring_of_the_live_rows_is_enough() -> None:
    for capacity, enough in [(4, True), (3, True), (2, False), (1, False)]:
        graph, plan = ringed(capacity)
        assert right(graph, plan) is enough
        assert accepted(graph, plan) is enough


def test_rows_with_gaps_between_them() -> None:
    graph, plan = ringed(3)
    wide = {**plan.windows, "first": Window(64, 8, 3), "second": Window(88, 4, 8)}
    assert accepted(graph, replace(plan, windows=wide, arena=120))


# -- every rule, with its sentence ----------------------------------------


A, B = Step("a", 0, 4), Step("b", 0, 4)


def fixed() -> tuple[Graph, Plan]:
    graph = Graph("fixed")
    x = graph.add_input("x", tensor(4, 8))
    seen = view(graph, x, (1, 2, 16))
    a = toy(graph, [x, seen], tensor(4, 8), (("slide", 1, 1, 3), ("all",)), scratch=8, name="a")
    graph.outputs = [toy(graph, [a], tensor(4, 8), claims=(0,), name="b")]
    windows = {
        "x": Window(0, 8, 4),
        "x_view": Window(0, 16, 2),
        "a": Window(32, 8, 4),
        "b": Window(32, 8, 4),
    }
    return graph, Plan((A, B), windows, {"a": (64, 8)}, 72, 72, True, (("a",), ("b",)))


def windows(**changes: Window | None) -> Callable[[Plan], Plan]:
    def change(plan: Plan) -> Plan:
        merged = {**plan.windows, **changes}
        return replace(plan, windows={v: w for v, w in merged.items() if w is not None})

    return change


def steps(*found: Step | Feed) -> Callable[[Plan], Plan]:
    return lambda plan: replace(plan, steps=found)


def regions(*found: tuple[str, ...]) -> Callable[[Plan], Plan]:
    return lambda plan: replace(plan, regions=found)


def both(one: Callable[[Plan], Plan], other: Callable[[Plan], Plan]) -> Callable[[Plan], Plan]:
    return lambda plan: other(one(plan))


def scratch(address: int, size: int) -> Callable[[Plan], Plan]:
    return lambda plan: replace(plan, scratch={"a": (address, size)})


@pytest.mark.parametrize(
    ("damage", "where", "message"),
    [
        (windows(a=None), "path.a (toy)", "a has no window"),
        (windows(other=Window(0, 8, 4)), "fixed", "there is a window for other, which is no activation"),
        (windows(a=Window(32, 7, 4)), "path.a (toy)", "the window of a does not hold a row"),
        (windows(a=Window(44, 8, 4)), "path.a (toy)", "the window of a leaves the arena"),
        (windows(a=Window(-4, 8, 4)), "path.a (toy)", "the window of a leaves the arena"),
        (windows(a=Window(33, 8, 4)), "path.a (toy)", "the window of a is not aligned"),
        (windows(a=Window(32, 8, 4, (0, 8, 16))), "path.a (toy)", "the window of a has no place for a row"),
        (windows(a=Window(32, 8, 4, (0, 8, -8, 24))), "path.a (toy)", "the window of a has no place"),
        (windows(a=Window(32, 8, 4, (0, 8, 16, 36))), "path.a (toy)", "the window of a leaves the arena"),
        (windows(a=Window(32, 8, 4, (0, 8, 16, 30))), "path.a (toy)", "the window of a is not aligned"),
        (windows(a=Window(32, 8, 4, (0, 8, 16, 20))), "path.a (toy)", "rows of one block share bytes"),
        (windows(a=Window(32, 8, 4, (8, 0, 16, 24))), "path.b (toy)", "result row 0 is written over row 1"),
        (windows(b=Window(32, 8, 4, (0, 8, 16, 24))), "path.b (toy)", "b is an input or output and has gaps"),
        (windows(x=Window(0, 12, 4)), "fixed", "x is an input or output and has gaps between rows"),
        (windows(x_view=Window(4, 16, 2)), "view (toy_view)", "x_view is a view of x and lies elsewhere"),
        (steps(A, Step("c", 0, 4)), "fixed", "a step for c, which is no node"),
        (steps(Step("x_view", 0, 2), A, B), "view (toy_view)", "a step for a view"),
        (steps(A, Step("b", 1, 4)), "path.b (toy)", "a row is never computed"),
        (steps(A, Step("b", 0, 5)), "path.b (toy)", "a step for rows that do not exist"),
        (steps(A, Step("b", -1, 4)), "path.b (toy)", "a step for rows that do not exist"),
        (steps(A, Step("b", 2, 2), B), "path.b (toy)", "a step for rows that do not exist"),
        (steps(Feed("x", 0, 4), Feed("x", 3, 4), A, B), "fixed", "rows of x do not arrive once and in order"),
        (steps(Feed("x", 1, 4), A, B), "fixed", "rows of x do not arrive once and in order"),
        (steps(Feed("x", 0, 5), A, B), "fixed", "rows of x do not arrive once and in order"),
        (steps(Feed("a", 0, 4), A, B), "fixed", "rows arrive for a, which is no input"),
        (
            steps(Feed("x", 0, 3), A, B),
            "path.a (toy)",
            "row 1 of x_view is needed (operand 1 of a)",
        ),
        (steps(A, B, A), "path.a (toy)", "the steps of a region do not follow each other"),
        (regions(("a",)), "path.b (toy)", "a step of a node that is in no region"),
        (regions(("b",), ("a",)), "path.b (toy)", "the steps of a region do not follow each other"),
        (regions(("a", "b"), ("b",)), "path.b (toy)", "region 1 has b, which is in another, too"),
        (regions(("a", "b", "c")), "fixed", "region 0 has c, which is no node"),
        (steps(A, Step("b", 0, 3)), "path.b (toy)", "a row is never computed"),
        (
            both(steps(B, A), regions(("b",), ("a",))),
            "path.b (toy)",
            "row 0 of a is needed (operand 0 of b), but nothing was written there",
        ),
        (scratch(64, 4), "path.a (toy)", "the scratch is too small"),
        (scratch(68, 8), "path.a (toy)", "the scratch is not aligned"),
        (scratch(72, 8), "path.a (toy)", "the scratch leaves the arena"),
        (scratch(56, 8), "path.a (toy)", "the scratch overlaps the result"),
        (scratch(24, 8), "path.a (toy)", "scratch is written over row 1 of x_view, which row 0 needs"),
        (
            windows(a=Window(8, 8, 4)),
            "path.a (toy)",
            "result row 0 is written over row 1 of x, which row 0 needs",
        ),
        (
            windows(b=Window(40, 8, 4)),
            "path.b (toy)",
            "result row 0 is written over row 1 of a, which row 1 needs",
        ),
        (
            windows(b=Window(36, 8, 4)),
            "path.b (toy)",
            "result row 0 is written over row 0 of a, which row 0 needs",
        ),
    ],
)
def test_every_rule_has_its_sentence(damage: Callable[[Plan], Plan], where: str, message: str) -> None:
    graph, plan = fixed()
    check_plan(graph, plan)
    with pytest.raises(Diagnostic) as caught:
        check_plan(graph, damage(plan))
    assert caught.value.code == "E502"
    assert message in caught.value.title
    assert caught.value.where == where


def test_rows_that_go_on_from_each_other_do_not_lie_one_by_one() -> None:
    graph = Graph("sums")
    x = graph.add_input("x", tensor(4, 8))
    sums = toy(graph, [x], tensor(4, 8), (("same",),), carries=True, name="sums")
    graph.outputs = [toy(graph, [sums], tensor(1, 8), (("slide", 1, 0, 4),), name="y")]
    windows = {"x": Window(0, 8, 4), "sums": Window(32, 8, 4), "y": Window(64, 8, 1)}
    plan = Plan((Step("sums", 0, 4), Step("y", 0, 1)), windows, {}, 72, 0, False, (("sums", "y"),))
    check_plan(graph, plan)
    windows["sums"] = Window(32, 8, 4, (0, 8, 16, 24))
    with pytest.raises(Diagnostic, match="rows that go on from each other"):
        check_plan(graph, replace(plan, windows=windows))


def test_what_was_written_over_is_named() -> None:
    graph = Graph("lost")
    x = graph.add_input("x", tensor(4, 8))
    y = graph.add_input("y", tensor(4, 8))
    a = toy(graph, [x], tensor(4, 8), name="a")
    graph.outputs = [toy(graph, [a, y], tensor(4, 8), name="b"), a]
    plan = make_plan(graph)
    over = replace(plan.windows["a"], address=plan.windows["y"].address)
    with pytest.raises(Diagnostic, match=r"row 0 of y is needed \(operand 1 of b\), but row 0 of a is there"):
        check_plan(graph, replace(plan, windows={**plan.windows, "a": over}))
    over = replace(plan.windows["b"], address=plan.windows["a"].address + 4)
    with pytest.raises(Diagnostic, match="row 0 is written over row 0 of a, which row 0 needs"):
        check_plan(graph, replace(plan, windows={**plan.windows, "b": over}))
    same = replace(plan.windows["y"], address=plan.windows["x"].address)
    with pytest.raises(
        Diagnostic, match=r"row 0 of x is needed \(the caller writes it\), but row 0 of y is there"
    ):
        check_plan(graph, replace(plan, windows={**plan.windows, "y": same}))


def test_results_of_one_step_and_its_scratch_stay_apart() -> None:
    graph = Graph("two")
    x = graph.add_input("x", tensor(2, 8))
    toy(graph, [x], [tensor(2, 8), tensor(2, 8)], name="a")
    graph.outputs = ["a.0"]
    plan = make_plan(graph)
    over = {**plan.windows, "a.1": plan.windows["a.0"]}
    with pytest.raises(Diagnostic, match="the same step has another result"):
        check_plan(graph, replace(plan, windows=over))


def test_a_claimed_row_neither_begins_nor_ends_behind_its_operand() -> None:
    graph = Graph("claims")
    x = graph.add_input("x", tensor(4, 8))
    graph.outputs = [toy(graph, [x], tensor(4, 4), claims=(0,), name="a")]
    plan = Plan(
        (Step("a", 0, 4),), {"x": Window(4, 8, 4), "a": Window(4, 4, 4)}, {}, 40, 32, False, (("a",),)
    )
    for address, good in [(0, True), (4, True), (8, False)]:
        moved = replace(plan, windows={**plan.windows, "a": Window(address, 4, 4)})
        assert accepted(graph, moved) is right(graph, moved) is good
    graph.set_type("a", tensor(4, 12))
    for address, good in [(4, False), (8, False), (0, False)]:  # row 0 ends behind row 0 of x
        moved = replace(plan, windows={**plan.windows, "a": Window(address, 12, 4)}, arena=64)
        assert accepted(graph, moved) is right(graph, moved) is good


def test_scratch_over_a_tensor_that_is_read_later() -> None:
    graph = Graph("later")
    x = graph.add_input("x", tensor(2, 8))
    a = toy(graph, [x], tensor(2, 8), scratch=8, name="a")
    graph.outputs = [toy(graph, [a, x], tensor(2, 8), name="b")]
    y = graph.add_input("y", tensor(2, 8))
    graph.outputs.append(y)
    plan = make_plan(graph)
    over = replace(plan, scratch={"a": (plan.windows["y"].address // 8 * 8, 8)})
    with pytest.raises(Diagnostic, match=r"of y is needed .* but scratch was written over it"):
        check_plan(graph, over)


def test_an_op_that_asks_for_rows_that_do_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = Graph("wrong")
    x = graph.add_input("x", tensor(2, 8))
    graph.outputs = [toy(graph, [x], tensor(2, 8), name="a")]
    plan = make_plan(graph)
    monkeypatch.setattr(Toy, "rows", lambda self, call: (Rows(np.arange(2), np.arange(2) + 1),))
    with pytest.raises(Diagnostic, match="the op asks for rows of operand 0 that do not exist"):
        check_plan(graph, plan)


def test_an_empty_plan() -> None:
    check_plan(Graph("empty"), Plan((), {}, {}, 0, 0, True))
