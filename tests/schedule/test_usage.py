"""What is live when, against a replay byte by byte, and by hand on small plans."""

from __future__ import annotations

import random
import time
from collections import defaultdict
from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from edgec.ir import Graph
from edgec.ops.base import call_of, op_of
from edgec.schedule import Feed, Plan, Step, Window, make_plan
from edgec.schedule.timeline import timeline
from edgec.schedule.usage import Usage, live_bytes, peak
from tests.schedule.toys import graphs, tensor, toy
from tests.schedule.weave import weave


def slow(graph: Graph, plan: Plan) -> list[int]:
    """Bytes in use before the first step, in each, and after the last: every byte has a life of its own."""
    lives: list[tuple[str, int, list[int]]] = []
    there: dict[int, tuple[str, int, list[int]]] = {}

    def at(v: str, row: int) -> range:
        w = plan.windows[v]
        return range(a := w.address + row % w.capacity * w.pitch, a + graph.type(v).row_bytes)

    def write(v: str, row: int, when: int) -> None:
        for a in at(v, row):
            there[a] = (v, a, [when, when])
            lives.append(there[a])

    def read(v: str, first: int, last: int, when: int) -> None:
        for row in range(first, last + 1):
            for a in at(v, row):
                there[a][2][1] = when

    for v in {*graph.inputs} - {s.value for s in plan.steps if isinstance(s, Feed)}:
        for row in range(graph.type(v).rows):
            write(v, row, -1)
    scratch: dict[int, set[int]] = defaultdict(set)
    for when, step in enumerate(plan.steps):
        if isinstance(step, Feed):
            for i in range(step.first, step.last):
                write(step.value, i, when)
            continue
        node = graph.node(step.node)
        a, n = plan.scratch.get(node.name, (0, 0))
        scratch[when] |= set(range(a, a + n))
        needs = op_of(node).rows(call_of(graph, node))
        for i in range(step.first, step.last):
            for v, r in zip(node.inputs, needs, strict=True):
                if r is not None:
                    read(v, int(r.first[i]), int(r.last[i]), when)
            for v in node.outputs:
                if op_of(node).carries(call_of(graph, node)) and i:
                    read(v, i - 1, i - 1, when)
                write(v, i, when)
    for v in graph.outputs:
        if not graph.is_constant(v):
            read(v, 0, graph.type(v).rows - 1, len(plan.steps))
    used = []
    for when in range(-1, len(plan.steps) + 1):
        now = set(scratch[when])
        for v, a, (first, last) in lives:
            if first <= when <= last:
                w = plan.windows[v]
                ring = w.capacity < graph.type(v).rows
                now |= set(range(w.address, w.address + w.bytes)) if ring else {a}
        used.append(len(now))
    return used


@settings(deadline=None, max_examples=50)
@given(graphs(), st.booleans())
def test_bytes_in_use_are_those_of_a_replay_byte_by_byte(graph: Graph, stream: bool) -> None:
    plan = make_plan(graph, stream=stream)
    usage = Usage.of(graph, plan)
    want = slow(graph, plan)
    assert usage.live.tolist() == want
    assert usage.peak.bytes == max(want[:-1]) if plan.steps else want[0]
    assert max(want) <= plan.arena


@settings(deadline=None, max_examples=50)
@given(graphs(), st.integers(0, 1 << 20))
def test_so_they_are_for_any_interleaving_of_rows(graph: Graph, seed: int) -> None:
    plan = weave(graph, random.Random(seed))
    assert Usage.of(graph, plan).live.tolist() == slow(graph, plan)


def strip() -> tuple[Graph, Plan]:
    """Six rows of x through a ring of two rows of a, into b."""
    graph = Graph("strip")
    x = graph.add_input("x", tensor(6, 4))
    a = toy(graph, [x], tensor(6, 8), name="a")
    graph.outputs = [toy(graph, [a], tensor(6, 4), (("slide", 1, 0, 2),), scratch=8, name="b")]
    steps: list[Step | Feed] = []
    for i in range(6):
        steps += [Feed("x", i, i + 1), Step("a", i, i + 1)]
        steps += [Step("b", i - 1, i)] if i else []
    steps.append(Step("b", 5, 6))
    windows = {"x": Window(0, 4, 1), "a": Window(4, 8, 2), "b": Window(20, 4, 6)}
    return graph, Plan(tuple(steps), windows, {"b": (48, 8)}, 56, 52, False, (("a", "b"),))


def test_a_ring_counts_whole_while_it_holds_anything_and_rows_one_by_one() -> None:
    graph, plan = strip()
    stays = {s.name: s for s in timeline(graph, plan) if s.kind != "scratch"}
    assert [(p.first, p.last) for p in stays["x"].parts] == [(0, 3), (5, 6), (8, 9), (11, 12), (14, 15)]
    assert [(p.address, p.bytes, p.first, p.last) for p in stays["a"].parts] == [(4, 16, 1, 17)]
    born = [k for k, s in enumerate(plan.steps) if s in [Step("b", i, i + 1) for i in range(6)]]
    assert [(p.address, p.first, p.last) for p in stays["b"].parts] == [
        (20 + 4 * i, at, len(plan.steps)) for i, at in enumerate(born)
    ]
    assert (stays["x"].kind, stays["a"].kind, stays["b"].kind) == ("input", "window", "output")
    assert (stays["a"].capacity, stays["a"].rows) == (2, 6)
    assert stays["a"].title == "path.a, 2 of 6 rows"
    assert stays["x"].title == "input x, 1 of 6 rows"


def test_the_fullest_step_of_a_ring_and_its_tenants() -> None:
    graph, plan = strip()
    assert live_bytes(graph, plan) == {"a": 4 + 16 + 16, "b": 16 + 24 + 8}
    found = peak(graph, plan)
    assert (found.step, found.node, found.bytes) == (17, "b", 48)
    assert [(t.name, t.bytes) for t in found.tenants] == [("b", 24), ("a", 16), ("scratch of b", 8)]


def test_a_row_that_is_computed_again_is_not_there_in_between() -> None:
    graph = Graph("again")
    x = graph.add_input("x", tensor(2, 4))
    a = toy(graph, [x], tensor(2, 100), name="a")
    b = toy(graph, [a], tensor(1, 4), (("all",),), name="b")
    c = toy(graph, [b], tensor(1, 4), name="c")
    graph.outputs = [toy(graph, [a, c], tensor(2, 4), (("same",), ("all",)), name="d")]
    once = tuple(Step(n, 0, graph.type(n).rows) for n in "abcd")
    windows = {"x": Window(0, 4, 2), "a": Window(24, 100, 2), "d": Window(8, 4, 2)}
    windows |= {"b": Window(16, 4, 1), "c": Window(20, 4, 1)}
    plan = Plan(once, windows, {}, 224, 224, False)
    twice = replace(plan, steps=(*once[:3], once[0], once[3]))
    assert Usage.of(graph, plan).live.tolist() == [8, 208, 204, 208, 212, 8]
    assert Usage.of(graph, twice).live.tolist() == [8, 208, 212, 16, 212, 212, 8]


def test_tens_of_thousands_of_steps_take_a_moment() -> None:
    rows, layers = 5000, 6
    graph = Graph("long")
    graph.add_input("x0", tensor(rows, 4))
    for k in range(layers):
        toy(graph, [f"x{k}"], tensor(rows, 4), (("slide", 1, 1, 3),), name=f"x{k + 1}")
    graph.outputs = [f"x{layers}"]
    plan = make_plan(graph)
    one = tuple(Step(f"x{k + 1}", i, i + 1) for k in range(layers) for i in range(rows))
    start = time.perf_counter()
    usage = Usage.of(graph, replace(plan, steps=one))
    assert time.perf_counter() - start < 5
    assert usage.live.size == rows * layers + 2
    assert np.all(usage.live > 0)
