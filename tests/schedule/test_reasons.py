"""Why a plan needs what it needs: the tensor, the op that forces it; inputs that are read twice far apart."""

from __future__ import annotations

import pytest

from edgec.diagnostics import Diagnostic
from edgec.fit import refuse_far_apart
from edgec.ir import Graph
from edgec.schedule import make_plan
from edgec.schedule.reasons import Tight, far_apart, tightest
from edgec.schedule.usage import Usage
from tests.schedule.test_usage import strip
from tests.schedule.toys import tensor, toy

ALL, SAME, SLIDE = ("all",), ("same",), ("slide", 1, 1, 3)


def why(graph: Graph, stream: bool = True) -> Tight:
    plan = make_plan(graph, stream=stream)
    return tightest(graph, plan, Usage.of(graph, plan))


def test_an_op_that_needs_all_rows_is_named() -> None:
    graph = Graph()
    x = graph.add_input("x", tensor(8, 4))
    keys = toy(graph, [x], tensor(8, 100), name="keys")
    graph.outputs = [toy(graph, [keys], tensor(8, 4), (ALL,), name="attends")]
    tight = why(graph)
    (hold,) = tight.holds
    assert (hold.name, hold.bytes) == ("path.keys", 800)
    assert hold.why == "path.attends (toy) needs all 8 rows of it"
    assert "keys" in tight.nodes
    assert tight.bytes >= 800 + 4


def test_a_skip_connection_says_until_where_and_what_it_waits_for() -> None:
    graph = Graph()
    x = graph.add_input("x", tensor(8, 4))
    wide = toy(graph, [x], tensor(8, 100), name="wide")
    thin = toy(graph, [wide], tensor(8, 4), name="thin")
    gate = toy(graph, [thin], tensor(1, 4), (ALL,), name="gate")
    graph.outputs = [toy(graph, [wide, gate], tensor(8, 4), (SAME, ALL), name="times")]
    (hold,) = (h for h in why(graph).holds if h.name == "path.wide")
    assert hold.why == (
        "read by path.thin (toy), held until path.times (toy), "
        "which waits for path.gate (toy): it needs all rows of path.thin"
    )


def test_a_window_says_who_needs_its_rows() -> None:
    graph, plan = strip()
    tight = tightest(graph, plan, Usage.of(graph, plan))
    assert (tight.index, tight.nodes, tight.bytes) == (0, ("a", "b"), 48)
    assert [(h.name, h.why) for h in tight.holds] == [
        ("path.b", "an output has to be whole at the end"),
        ("path.a", "2 of its 6 rows, path.b (toy) needs 2 at a time"),
    ]


def test_a_whole_input_is_a_reason_of_its_own() -> None:
    graph = Graph()
    x = graph.add_input("x", tensor(8, 100))
    graph.outputs = [toy(graph, [x], tensor(8, 4), (SLIDE,), name="y")]
    (hold,) = why(graph, stream=False).holds
    assert (hold.name, hold.why) == ("input x", "the input is whole before the first step")


def gated(rows: int = 16) -> Graph:
    """x times a gate that is computed from all of x."""
    graph = Graph()
    x = graph.add_input("x", tensor(rows, 8))
    thin = toy(graph, [x], tensor(rows, 4), (SLIDE,), name="thin")
    gate = toy(graph, [thin], tensor(1, 4), (ALL,), name="gate")
    graph.outputs = [toy(graph, [x, gate], tensor(rows, 4), (SAME, ALL), name="times")]
    return graph


def test_an_input_read_twice_far_apart_is_refused() -> None:
    graph = gated()
    plan = make_plan(graph, stream=True)
    found = far_apart(graph, plan)
    assert found is not None
    assert (found.value, found.readers, found.needs, found.rows) == ("x", ("thin", "times"), (3, 1), 16)
    assert found.held >= 12
    with pytest.raises(Diagnostic, match="E207") as error:
        refuse_far_apart(graph, plan)
    text = error.value.render()
    assert "path.thin (toy) reads it, 3 rows at a time" in text
    assert "path.times (toy) reads it, 1 row at a time" in text
    assert "--input whole" in text


def near() -> Graph:
    """A residual block around the input."""
    graph = Graph()
    x = graph.add_input("x", tensor(16, 8))
    y = toy(graph, [x], tensor(16, 8), (SLIDE,), name="y")
    graph.outputs = [toy(graph, [x, y], tensor(16, 8), name="sum")]
    return graph


def flat(*, waits: bool) -> Graph:
    """Two readers, one of which needs the whole input by itself."""
    graph = Graph()
    x = graph.add_input("x", tensor(16, 8))
    y = toy(graph, [x], tensor(1, 8), (ALL,), name="y")
    kinds = (SAME, ALL) if waits else (SAME,)
    graph.outputs = [toy(graph, [x, y] if waits else [x], tensor(16, 8), kinds, name="z")]
    graph.outputs += [] if waits else [y]
    return graph


def test_an_input_that_is_read_again_after_all_of_it_is_refused() -> None:
    graph = flat(waits=True)
    with pytest.raises(Diagnostic, match="E207") as error:
        refuse_far_apart(graph, make_plan(graph, stream=True))
    assert "path.y (toy) reads it, all rows at a time" in error.value.render()


@pytest.mark.parametrize("graph", [near(), flat(waits=False), gated(3)], ids=["near", "flat", "small"])
def test_other_inputs_are_not_refused(graph: Graph) -> None:
    refuse_far_apart(graph, make_plan(graph, stream=True))


def test_a_whole_input_is_never_refused() -> None:
    refuse_far_apart(gated(), make_plan(gated()))


def test_an_input_that_the_plan_merely_keeps_is_not_refused() -> None:
    graph = near()
    plan = make_plan(graph, stream=True, regions=False)
    assert plan.windows["x"].capacity == 16
    refuse_far_apart(graph, plan)
