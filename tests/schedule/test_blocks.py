"""Rows in blocks: which plans have them, what they cost, and how the search chooses their size."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgec.diagnostics import Diagnostic
from edgec.ir import Graph
from edgec.ir.parse import parse
from edgec.ir.text import to_text
from edgec.ir.verify import verify
from edgec.ops.base import call_of, infer_types, op_of
from edgec.schedule import Plan, Step, Window, check_plan, make_plan
from edgec.schedule.blocks import in_blocks, natural_blocks, slimmer
from edgec.schedule.cost import Costs, spent_by
from edgec.schedule.planner import pack
from edgec.schedule.search import READS, SAVED, SLOWER, WORTH, Search
from edgec.target import load_target
from tests.schedule.executor import draw_inputs, run_plan, values_of
from tests.schedule.layers import Net
from tests.schedule.nets import build
from tests.schedule.toys import graphs, right, tensor, toy


def mlp(rows: int = 12) -> Graph:
    """A block of a transformer, but for its attention."""
    n = Net("mlp", 0)
    x = n.input(rows, 16)
    y = n.linear(n.function(n.linear(n.norm(x), 64), "gelu"), 16)
    return n.integer(n.linear(n.add(x, y), 8))


def signal() -> Graph:
    n = Net("signal", 0)
    x = n.conv(n.input(16, 1, 6), 8)
    return n.integer(n.conv(n.depthwise(n.conv(x, 12, stride=2)), 6, 1))


def shares(graph: Graph, rows: int) -> Graph:
    return in_blocks(graph, dict.fromkeys(natural_blocks(graph), rows))


def passes(graph: Graph, plan: Plan, name: str) -> int:
    """How often a plan goes over the constants of a node."""
    node = graph.node(name)
    block = op_of(node).kernel(call_of(graph, node)).block
    steps = [s for s in plan.steps if isinstance(s, Step) and s.node == name]
    return sum(math.ceil((s.last - s.first) / block) for s in steps)


# -- plans ----------------------------------------------------------------


@settings(deadline=None, max_examples=30)
@given(graphs(rich=True), st.booleans())
def test_a_step_has_a_block_of_rows(graph: Graph, stream: bool) -> None:
    plan = make_plan(graph, stream=stream)
    check_plan(graph, plan)
    assert right(graph, plan)
    for node in graph.nodes():
        block, rows = call_of(graph, node).block, graph.type(node.outputs[0]).rows
        if node.op == "toy" and block and not op_of(node).carries(call_of(graph, node)):
            assert passes(graph, plan, node.name) == math.ceil(rows / min(block, rows))


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("rows", [2, 3, 8, 50])
@pytest.mark.parametrize("make", [mlp, signal, lambda: build("transformer-3")], ids=["mlp", "signal", "vit"])
def test_real_kernels_compute_blocks(make: Callable[[], Graph], rows: int, stream: bool) -> None:
    graph = shares(make(), rows)
    assert natural_blocks(graph)
    values = values_of(graph, draw_inputs(graph))
    plan = make_plan(graph, stream=stream)
    check_plan(graph, plan)
    for v, y in run_plan(graph, plan, values).items():
        assert np.array_equal(y, values[v]), v
    for name, block in natural_blocks(graph).items():
        of = graph.type(graph.node(name).outputs[0]).rows
        assert passes(graph, plan, name) == math.ceil(of / block)


def test_windows_grow_by_what_a_block_needs() -> None:
    graph = Graph("grow")
    x = graph.add_input("x", tensor(12, 8))
    a = toy(graph, [x], tensor(12, 8), name="a")
    b = toy(graph, [a], tensor(12, 8), (("slide", 1, 1, 3),), name="b")
    graph.outputs = [toy(graph, [b], tensor(12, 1), name="c")]
    held = []
    for rows in (1, 2, 4):
        graph.node("b").attrs["block"] = rows
        plan = make_plan(graph, stream=True)
        check_plan(graph, plan)
        held.append([plan.windows[v].capacity for v in "xab"])
    # A block of b needs two rows of a beside its own; x is read as it comes.
    assert held == [[1, 3, 1], [1, 4, 2], [1, 6, 4]]


def test_a_short_block_ends_a_tensor() -> None:
    graph = shares(mlp(7), 3)
    plan = make_plan(graph, stream=True)
    name = next(iter(natural_blocks(graph)))
    steps = [(s.first, s.last) for s in plan.steps if isinstance(s, Step) and s.node == name]
    assert steps == [(0, 3), (3, 6), (6, 7)]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("anew", "block", "held"), [(1, 1, 3), (1, 2, 4), (2, 1, 3), (2, 3, 5), (8, 4, 6)])
def test_bursts_are_what_a_block_needs(anew: int, block: int, held: int, stream: bool) -> None:
    graph = Graph("bursts")
    x = graph.add_input("x", tensor(11, 8))
    a = toy(graph, [x], tensor(11, 16), name="a", block=anew)
    b = toy(graph, [a], tensor(11, 4), (("slide", 1, 1, 3),), name="b", block=block)
    graph.outputs = [toy(graph, [b, x], tensor(11, 2), name="c")]
    plan = pack(graph, stream=stream, again={"a"}).plan(graph)
    check_plan(graph, plan)
    assert right(graph, plan)
    bursts = [s for s in plan.steps if isinstance(s, Step) and s.node == "a"]
    assert len(bursts) == math.ceil(11 / block)
    assert plan.windows["a"].capacity == held == max(s.last - s.first for s in bursts)


@pytest.mark.parametrize("rows", [2, 3])
def test_running_sums_take_blocks_as_they_come(rows: int) -> None:
    graph = Graph("sums")
    x = graph.add_input("x", tensor(9, 8))
    a = toy(graph, [x], tensor(9, 8), name="a", block=rows)
    s = toy(graph, [a], tensor(9, 4), name="sum", carries=True, block=rows)
    graph.outputs = [toy(graph, [s], tensor(1, 4), (("slide", 1, -8, 1),), name="last")]
    plan = make_plan(graph, stream=True)
    check_plan(graph, plan)
    assert right(graph, plan)
    assert plan.windows["a"].capacity == rows
    assert plan.windows["sum"].capacity == 1


def test_rows_of_a_block_have_bytes_of_their_own() -> None:
    graph = Graph("shared")
    x = graph.add_input("x", tensor(4, 8))
    a = toy(graph, [x], tensor(4, 4), name="a", block=2)
    graph.outputs = [toy(graph, [a], tensor(1, 4), (("slide", 1, -3, 1),), name="b")]  # its last row alone
    steps = (Step("a", 0, 2), Step("a", 2, 4), Step("b", 0, 1))
    windows = {"x": Window(0, 8, 4), "a": Window(32, 4, 1), "b": Window(40, 4, 1)}
    plan = Plan(steps, windows, {}, 44, 0, False, (("a", "b"),))
    with pytest.raises(Diagnostic, match="rows of one block share bytes"):
        check_plan(graph, plan)
    assert not right(graph, plan)
    apart = replace(plan, windows={**windows, "a": Window(32, 4, 2)})
    check_plan(graph, apart)
    assert right(graph, apart)
    check_plan(graph, made := make_plan(graph))
    assert right(graph, made)


# -- the attribute --------------------------------------------------------


def test_the_attribute_is_text_and_survives() -> None:
    graph = shares(mlp(), 4)
    verify(graph, infer_types)
    again = parse(to_text(graph, "inline"), infer=infer_types)
    assert {n.name: n.attrs.get("block") for n in again} == {n.name: n.attrs.get("block") for n in graph}
    assert 4 in {n.attrs.get("block") for n in again}


def test_no_block_is_longer_than_its_tensor() -> None:
    graph = shares(mlp(5), 8)
    assert set(natural_blocks(graph).values()) == {5}


# -- what is read ---------------------------------------------------------


def test_constants_are_read_in_every_pass() -> None:
    graph = mlp(12)
    tables = {}
    for node in graph.nodes():
        kernel = op_of(node).kernel(call_of(graph, node))
        assert kernel.block == 1
        tables[node.name] = sum(getattr(f.value, "nbytes", 0) for f in kernel.fields.values())
    assert spent_by(graph, None).reads == sum(12 * n for n in tables.values())
    wide = shares(graph, 5)
    shared = natural_blocks(wide)
    want = sum(n * (3 if name in shared else 12) for name, n in tables.items())
    assert spent_by(wide, None).reads == want
    for stream in (False, True):
        assert spent_by(wide, make_plan(wide, stream=stream)).reads == want


def test_parts_of_constants_are_read_once() -> None:
    n = Net("position", 0)
    graph = n.integer(n.op("add", [n.input(6, 8), n.weights(1, 6, 8)], {}))
    assert spent_by(graph, None).reads == 48


def test_waits_cost_and_steps_cost() -> None:
    graph = mlp()
    plans = [make_plan(graph, regions=False), make_plan(graph)]
    free, slow = Costs(), Costs(byte=2.0)
    layers, loops = (spent_by(graph, p, free) for p in plans)
    assert loops.cycles > layers.cycles
    assert loops.reads == layers.reads
    assert spent_by(graph, plans[0], slow).cycles == layers.cycles + 2 * layers.reads
    flash, qspi = (Costs.of(load_target(t), graph) for t in ("stm32f746", "mps2-an500"))
    assert flash.byte > qspi.byte


# -- the search -----------------------------------------------------------


def test_the_smallest_scheme_reads_no_more() -> None:
    for make in (mlp, signal):
        search = Search(make(), True)
        scheme = search.smallest()
        assert scheme.spent.reads <= READS * search.unstreamed.reads
        assert scheme.spent == spent_by(scheme.graph, scheme.plan)


def test_blocks_fill_the_budget() -> None:
    """With more room never more cycles, and what fits is the best of what was tried."""
    graph, costs = mlp(24), Costs(byte=1.0)
    least = Search(graph, True, costs=costs).smallest()
    taken = []
    for room in itertools.chain(range(least.arena, 2 * least.arena, 64), [1 << 20]):
        scheme = Search(graph, True, costs=costs).cheapest(room)
        assert scheme.arena <= room
        taken.append(scheme.spent.cycles)
    assert all(b <= a * (1 + WORTH) for a, b in itertools.pairwise(taken))
    assert taken[-1] < taken[0]
    assert scheme.spent.reads < least.spent.reads / 4


class Pairs:
    """Makes kernels share their constants between two rows where nothing is asked of them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from edgec.ops.linear import Linear

        plain = Linear.kernel
        monkeypatch.setattr(Linear, "kernel", lambda op, c: replace(plain(op, c), block=c.block or 2))


def test_single_rows_where_nothing_else_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    Pairs(monkeypatch)
    graph = mlp(24)
    search = Search(graph, True)
    pairs, single = search.smallest(), search.smallest(whatever=True)
    assert set(natural_blocks(pairs.graph).values()) == {2}
    assert set(natural_blocks(single.graph).values()) == {1}
    assert single.arena < pairs.arena
    assert single.spent.reads > READS * search.unstreamed.reads >= pairs.spent.reads
    forced = Search(graph, True).cheapest(pairs.arena - 4)
    assert set(natural_blocks(forced.graph).values()) == {1}
    assert set(natural_blocks(Search(graph, True).cheapest(pairs.arena).graph).values()) == {2}


def test_less_scratch_where_the_arena_is_full() -> None:
    """A convolution takes one pixel at a time where its columns of two would be the most memory."""
    graph = build("tangle-1").copy()
    graph.features = frozenset({"dsp"})
    values = values_of(graph, draw_inputs(graph))
    search = Search(graph, True)
    scheme = search.smallest()
    slim = [n.name for n in scheme.graph.nodes() if n.attrs.get("block") == 1]
    others = [t.arena for t in search.tried if not any(n.attrs.get("block") == 1 for n in t.graph.nodes())]
    assert slim
    assert set(slim) < set(slimmer(graph))
    assert scheme.arena <= min(others) * (1 - SAVED)
    assert scheme.spent.cycles <= SLOWER * search.unstreamed.cycles
    check_plan(scheme.graph, scheme.plan)
    for v, y in run_plan(scheme.graph, scheme.plan, values).items():
        assert np.array_equal(y, values[v]), v


def test_row_loops_cost_few_cycles() -> None:
    """What is smaller but slower is taken with leave for as much."""
    graph = build("transformer-1")
    search, free = Search(graph, True), Search(graph, True, most=3.0)
    assert search.smallest().spent.cycles <= SLOWER * search.unstreamed.cycles
    assert free.smallest().arena < search.smallest().arena
