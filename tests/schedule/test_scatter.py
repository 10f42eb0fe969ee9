"""Windows taken apart: rows that are placed one by one are right where they lie, and take less."""

from __future__ import annotations

import numpy as np
import pytest

from edgec.ir import Graph
from edgec.schedule import check_plan, make_plan
from edgec.schedule.planner import pack
from tests.schedule.executor import draw_inputs, run_plan, values_of
from tests.schedule.layers import Net


def separable(n: Net) -> Graph:
    """Depthwise and pointwise layers: rings of three rows, two of which live most of the time."""
    x = n.conv(n.input(20, 20, 3), 4, stride=2)
    for channels in (8, 16, 16):
        x = n.conv(n.depthwise(x), channels, 1)
    return n.integer(n.conv(n.pool(x), 4, stride=2))


def residual(n: Net) -> Graph:
    """Sums of rows, which an op may write over what it adds up."""
    x = n.conv(n.input(16, 8, 3), 6, stride=2)
    for _ in range(3):
        x = n.add(x, n.conv(n.conv(x, 12, 1), 6, activation=""))
    return n.integer(n.conv(x, 2, 1))


def joined(n: Net) -> Graph:
    """Rows of several values side by side, and views."""
    x = n.conv(n.input(16, 8, 3), 4)
    y = n.concat(n.conv(n.conv(x, 8), 4), n.conv(x, 4))
    return n.integer(n.conv(n.conv(y, 4), 2, stride=2))


NETS = (separable, residual, joined)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("make", NETS, ids=lambda m: m.__name__)
def test_scattered_rows_are_where_they_are_read(make, stream: bool) -> None:  # type: ignore[no-untyped-def]
    graph = make(Net(make.__name__, 0))
    packed = pack(graph, stream=stream).apart()
    assert packed is not None
    plan, values = packed.plan(graph), values_of(graph, draw_inputs(graph))
    assert any(w.slots for w in plan.windows.values())
    assert plan.arena >= plan.lower_bound
    check_plan(graph, plan)
    outputs = run_plan(graph, plan, values)
    assert all(np.array_equal(y, values[v]) for v, y in outputs.items())


def test_less_is_taken_than_by_rings() -> None:
    graph = separable(Net("separable", 0))
    apart, rings = (make_plan(graph, stream=True, apart=apart) for apart in (True, False))
    assert apart.arena <= 0.92 * rings.arena
    assert apart.arena <= 1.05 * apart.lower_bound
    assert not any(w.slots for w in rings.windows.values())
    assert not any(apart.windows[v].slots for v in (*graph.inputs, *graph.outputs))


def test_layers_one_by_one_stay_whole() -> None:
    graph = separable(Net("separable", 0))
    plan = make_plan(graph, regions=False)
    assert not any(w.slots for w in plan.windows.values())
