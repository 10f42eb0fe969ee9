"""Plans of drawn and of typical graphs: safe by the checker and by running them, small, and repeatable."""

from __future__ import annotations

import itertools
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings

from edgec.diagnostics import Diagnostic
from edgec.ir import DType, Graph, GraphError
from edgec.ops.base import call_of, op_of
from edgec.schedule import Plan, check_plan, live_bytes, make_plan, peak
from edgec.schedule.work import job_of
from tests.schedule.toys import graphs, join, right, tensor, toy, view


@settings(deadline=None, max_examples=60)
@given(graphs())
def test_a_plan_is_safe_and_no_larger_than_its_tensors(graph: Graph) -> None:
    plan = make_plan(graph)
    check_plan(graph, plan)
    assert right(graph, plan)
    job = job_of(graph)
    apart = sum(b.bytes for b in job.buffers) + sum(-(-w.scratch // 8) * 8 for w in job.works)
    assert plan.lower_bound <= plan.arena <= apart
    assert max(live_bytes(graph, plan).values(), default=0) <= plan.arena
    assert plan == make_plan(graph)


@settings(deadline=None, max_examples=30)
@given(graphs())
def test_speed_costs_no_memory(graph: Graph) -> None:
    plan = make_plan(graph, "speed")
    check_plan(graph, plan)
    assert right(graph, plan)
    assert plan.arena <= make_plan(graph).arena


@settings(deadline=None, max_examples=40)
@given(graphs(most=3, largest=4))
def test_an_optimal_plan_is_the_smallest_there_is(graph: Graph) -> None:
    assume(reads_everything(graph))
    plan = make_plan(graph)
    job = job_of(graph)
    assert plan.optimal, "the solver settles graphs of this size"
    places = [list(range(0, max(0, plan.arena - 4 - b.bytes) + 1, 4)) for b in job.buffers]
    scratch = [list(range(0, max(0, plan.arena - 4 - n) + 1, 8)) for _, n in plan.scratch.values()]
    assume(1 < np.prod([len(p) for p in places + scratch]) <= 3000)
    for addresses in itertools.product(*places, *scratch):
        smaller = _moved(job_of(graph), plan, addresses)
        with pytest.raises(Diagnostic):
            check_plan(graph, smaller)


def reads_everything(graph: Graph) -> bool:
    """Whether every reader needs every row: the planner makes little use of rows that nobody reads."""
    for node in graph.nodes():
        call = call_of(graph, node)
        for rows, type in zip(op_of(node).rows(call), call.ins, strict=True):
            if rows is not None:
                read = {r for a, b in zip(rows.first, rows.last, strict=True) for r in range(a, b + 1)}
                if len(read) < type.rows:
                    return False
    return True


def _moved(job: object, plan: Plan, addresses: tuple[int, ...]) -> Plan:
    windows = dict(plan.windows)
    for buffer, address in zip(job.buffers, addresses, strict=False):  # type: ignore[attr-defined]
        windows |= {v: replace(windows[v], address=address) for v in buffer.values}
    own = addresses[len(addresses) - len(plan.scratch) :]
    scratch = {n: (a, s) for a, (n, (_, s)) in zip(own, plan.scratch.items(), strict=True)}
    return replace(plan, windows=windows, scratch=scratch, arena=plan.arena - 4)


def chain(*widths: int, rows: int = 8, kind: tuple[str | int, ...] = ("same",), claim: bool = False) -> Graph:
    graph = Graph()
    v = graph.add_input("x", tensor(rows, widths[0]))
    for w in widths[1:]:
        v = toy(graph, [v], tensor(rows, w), (kind,), claims=(0,) if claim else ())
    graph.outputs = [v]
    return graph


@pytest.mark.parametrize(
    ("graph", "arena"),
    [
        (chain(16, 16, 16, claim=True), 8 * 16),  # in place
        (chain(16, 16), 8 * 16 + 16),  # one row in front of its operand
        (chain(16, 16, kind=("slide", 1, 1, 3)), 8 * 16 + 2 * 16),  # row i-1 is needed with row i
        (chain(16, 16, kind=("all",)), 2 * 8 * 16),  # nothing may be shared
        (chain(16, 8, claim=True), 8 * 16),  # smaller rows
        (chain(8, 16, claim=True), 8 * 16),  # larger rows, from behind
        (chain(8, 16), 8 * 16 + 8),  # larger rows: the last row is still read when it is written
    ],
)
def test_results_lie_over_operands_as_rows_allow(graph: Graph, arena: int) -> None:
    plan = make_plan(graph)
    check_plan(graph, plan)
    assert plan.arena == plan.lower_bound == arena
    assert plan.optimal


def test_a_result_lies_behind_the_rows_that_are_read() -> None:
    graph = Graph()
    x = graph.add_input("x", tensor(8, 16))
    graph.outputs = [toy(graph, [x], tensor(1, 16), (("slide", 1, 0, 1),))]  # the first token
    plan = make_plan(graph)
    check_plan(graph, plan)
    assert plan.arena == 8 * 16 == plan.lower_bound


def test_inputs_are_apart_and_there_from_the_start() -> None:
    graph = Graph()
    a, b, c = (graph.add_input(v, tensor(1, 16)) for v in "abc")
    first = toy(graph, [a], tensor(1, 16), claims=(0,))
    graph.outputs = [toy(graph, [first, b], tensor(1, 16), claims=(0, 1))]
    plan = make_plan(graph)
    check_plan(graph, plan)
    assert plan.arena == 48  # c is never read, and still has a place to be written to
    assert len({plan.windows[v].address for v in (a, b, c)}) == 3


def test_unusual_outputs() -> None:
    graph = Graph()
    x = graph.add_input("x", tensor(4, 4))
    seen = view(graph, x, (1, 16))
    constant = graph.add_constant("k", np.zeros(3, np.float32))
    unread = toy(graph, [x], tensor(4, 4), claims=(0,), name="unread")
    twice = toy(graph, [seen, seen], tensor(1, 16), claims=(0, 1))
    graph.outputs = [x, seen, constant, twice, twice]
    plan = make_plan(graph)
    check_plan(graph, plan)
    assert right(graph, plan)
    assert plan.windows[x].address == plan.windows[seen].address
    assert constant not in plan.windows
    assert unread in plan.windows
    assert plan.arena == 32 == plan.lower_bound  # what is read by nobody makes way for the next


def test_an_output_that_is_only_a_view_of_an_input() -> None:
    graph = Graph()
    x = graph.add_input("x", tensor(4, 4))
    graph.outputs = [view(graph, x, (1, 16))]
    plan = make_plan(graph)
    check_plan(graph, plan)
    assert (plan.steps, plan.arena, plan.lower_bound, plan.optimal) == ((), 16, 16, True)
    assert live_bytes(graph, plan) == {}
    assert (peak(graph, plan).node, peak(graph, plan).bytes) == ("", 16)


def test_a_view_of_a_constant_is_a_bug() -> None:
    graph = Graph()
    constant = graph.add_constant("k", np.zeros((1, 4), np.float32))
    graph.outputs = [view(graph, constant, (1, 2, 2))]
    with pytest.raises(GraphError, match="a view of a constant has to be folded"):
        make_plan(graph)


def test_the_order_puts_the_thin_branch_where_it_costs_least() -> None:
    graph = Graph()
    x = graph.add_input("x", tensor(1, 8))
    wide = [toy(graph, [x], tensor(1, 400), (("all",),), name=f"wide{k}") for k in range(3)]
    thin = [toy(graph, [w], tensor(1, 8), (("all",),), name=f"thin{k}") for k, w in enumerate(wide)]
    graph.outputs = [toy(graph, thin, tensor(1, 8))]
    plan = make_plan(graph)
    check_plan(graph, plan)
    assert plan.arena < 2 * 400


def test_the_peak_names_the_step_and_its_tensors() -> None:
    graph = Graph()
    x = graph.add_input("x", tensor(4, 8))
    big = toy(graph, [x], tensor(4, 100), (("all",),), scratch=20, name="big")
    seen = view(graph, big, (1, 400))
    graph.outputs = [toy(graph, [seen, x], tensor(1, 4), (("all",), ("all",)), name="small")]
    plan = make_plan(graph)
    found = peak(graph, plan)
    assert live_bytes(graph, plan) == {"big": 32 + 400 + 20, "small": 32 + 400 + 4}
    assert (found.node, found.bytes) == ("big", 452)
    assert [(t.name, t.bytes) for t in found.tenants] == [("big", 400), ("x", 32), ("scratch of big", 20)]


def test_shared_bytes_are_counted_once() -> None:
    graph = chain(16, 16, claim=True)
    assert list(live_bytes(graph, make_plan(graph)).values()) == [128]


def transformer(blocks: int = 12, tokens: int = 197, width: int = 192) -> Graph:
    """The steps of a vision transformer, with an int16 residual stream."""
    graph = Graph()
    every = ("all",)

    def linear(v: str, n: int, type: DType = DType.I8) -> str:
        return toy(graph, [v], tensor(tokens, n, type), claims=(0,), scratch=graph.type(v).row_bytes)

    image = graph.add_input("x", tensor(224, 224 * 3))
    t = toy(graph, [image], tensor(14, 14 * width), (("slide", 16, 0, 16),))
    t = view(graph, t, (1, 196, width))
    t = toy(graph, [t], tensor(tokens, width, DType.I16), (("slide", 1, 1, 1),))
    for _ in range(blocks):
        n = toy(graph, [t], tensor(tokens, width), claims=(0,), scratch=4 * width)
        qkv = linear(n, 3 * width)
        a = toy(graph, [qkv] * 3, tensor(tokens, width), (every,) * 3, scratch=4 * tokens)
        t = toy(graph, [t, linear(a, width, DType.I16)], tensor(tokens, width, DType.I16), claims=(0, 1))
        n = toy(graph, [t], tensor(tokens, width), claims=(0,), scratch=4 * width)
        h = toy(graph, [linear(n, 4 * width)], tensor(tokens, 4 * width), claims=(0,))
        t = toy(graph, [t, linear(h, width, DType.I16)], tensor(tokens, width, DType.I16), claims=(0, 1))
    graph.outputs = [linear(toy(graph, [t], tensor(1, width), (every,)), 1000)]
    return graph


def test_a_vision_transformer_is_planned_fast_and_optimally() -> None:
    graph = transformer()
    begin = time.perf_counter()
    plan = make_plan(graph, regions=False)
    middle = time.perf_counter()
    check_plan(graph, plan)
    end = time.perf_counter()
    assert plan.optimal
    # The residual stream and the fused q, k and v, the attention output, and one row of scores.
    assert plan.arena == plan.lower_bound == 197 * 192 * (2 + 3 + 1) + 197 * 4
    assert middle - begin < 4 and end - middle < 4
    rows = make_plan(graph)
    check_plan(graph, rows)
    # The residual stream and the fused q, k and v; all else is a row or two.
    assert 197 * 192 * 4 < rows.arena < 197 * 192 * 4 + 60_000


def test_a_viewed_sum_lives_until_its_next_row() -> None:
    graph = Graph("sums")
    x = graph.add_input("x", tensor(1, 7))
    s = toy(graph, [x], tensor(2, 7), name="s", carries=True)
    view(graph, s, (1, 14, 1))
    unread = [toy(graph, [x], tensor(1, 1), name=f"unread{k}") for k in range(2)]
    join(graph, unread, "join")
    graph.outputs = [toy(graph, [s], [tensor(1, 1), tensor(1, 1)], name="a")]
    plan = make_plan(graph)
    check_plan(graph, plan)
    assert right(graph, plan)
