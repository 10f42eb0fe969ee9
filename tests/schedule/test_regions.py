"""Row regions on over a hundred drawn networks: never worse, safe, exact and repeatable."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgec.build import build as build_model
from edgec.diagnostics import Diagnostic
from edgec.ir import Graph
from edgec.options import BuildOptions, InputMode, Silent
from edgec.schedule import Plan, check_plan, make_plan
from edgec.schedule.plan import Feed, Step
from edgec.schedule.search import Search
from edgec.target import load_target
from tests.effort import some
from tests.schedule.executor import draw_inputs, run_plan, values_of
from tests.schedule.nets import NETS, build

REPEATED = NETS[::10]
"""The networks that are planned a second time."""


def sound(graph: Graph, plan: Plan, values: dict[str, np.ndarray]) -> None:
    """The checker accepts the plan, and its outputs are the references'."""
    check_plan(graph, plan)
    for v, y in run_plan(graph, plan, values).items():
        assert np.array_equal(y, values[v]), v


@pytest.mark.parametrize("name", some(NETS, 3))
def test_regions_are_never_worse_and_exact(name: str) -> None:
    graph = build(name)
    values = values_of(graph, draw_inputs(graph))
    without = make_plan(graph, regions=False)
    whole = make_plan(graph)
    stream = make_plan(graph, stream=True)
    for plan in (without, whole, stream):
        sound(graph, plan, values)
    assert whole.arena <= without.arena
    assert stream.arena <= whole.arena
    for plan in (without, whole):
        assert not any(isinstance(s, Feed) for s in plan.steps)
    fed = [s for s in stream.steps if isinstance(s, Feed)]
    for v in graph.inputs:
        spans = [(s.first, s.last) for s in fed if s.value == v]
        assert [a for a, _ in spans] == [0, *(b for _, b in spans[:-1])]
        assert spans[-1][1] == graph.type(v).rows
    assert {n for r in whole.regions for n in r} == {s.node for s in whole.steps if isinstance(s, Step)}
    if name in REPEATED:
        again = make_plan(graph.copy()), make_plan(graph.copy(), stream=True)
        assert again == (whole, stream)


@pytest.mark.parametrize("name", NETS[::30])
def test_speed_costs_no_memory(name: str) -> None:
    graph = build(name)
    plan = make_plan(graph, "speed")
    sound(graph, plan, values_of(graph, draw_inputs(graph)))
    assert plan.arena <= make_plan(graph).arena


def test_most_networks_gain() -> None:
    few = NETS[::11]
    smaller = sum(make_plan(build(n)).arena < make_plan(build(n), regions=False).arena for n in few)
    assert smaller > len(few) / 2


@pytest.mark.parametrize("mode", ["whole", "stream"])
@pytest.mark.parametrize("name", ["detector-1", "gated-1", "transformer-3"])
def test_a_whole_build_runs_on_the_board(
    name: str, mode: InputMode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgec.frontends.load_model", lambda _: build(name).copy())
    options = BuildOptions(name, "stm32f446", tmp_path, input_mode=mode, optimize="memory")
    report = build_model(options, Silent())
    assert {"plan", "bytes", "arena"} <= {c["name"] for c in report["checks"]}
    assert all(c["passed"] for c in report["checks"])
    layers = build(name).copy()
    layers.features = load_target("stm32f446").features
    assert report["sram"]["arena"] <= make_plan(layers, regions=False).arena


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("name", some(["detector-2", "chain-3", "signal-3", "inverted-5"], 2))
def test_every_scheme_is_exact(name: str, stream: bool) -> None:
    graph = build(name)
    inputs = draw_inputs(graph)
    wanted = values_of(graph, inputs)
    peaks = [make_plan(graph, regions=False).arena]
    for most in (1.0, 1.5):
        scheme = Search(graph, stream, most).smallest()
        values = values_of(scheme.graph, inputs)
        sound(scheme.graph, scheme.plan, values)
        for a, b in zip(graph.outputs, scheme.graph.outputs, strict=True):
            assert np.array_equal(wanted[a], values[b])
        assert scheme.macs <= most * Search(graph).plain().macs
        peaks.append(scheme.plan.arena)
    assert peaks == sorted(peaks, reverse=True)


# -- the executor itself --------------------------------------------------


def small() -> tuple[Graph, Plan, dict[str, np.ndarray]]:
    graph = build("inverted-0")
    return graph, make_plan(graph, stream=True), values_of(graph, draw_inputs(graph))


@pytest.mark.parametrize("fault", ["window", "ring", "order", "late", "scratch", "missing"])
def test_the_executor_sees_a_broken_plan(fault: str) -> None:
    graph, plan, values = small()
    steps, windows, scratch = list(plan.steps), dict(plan.windows), dict(plan.scratch)
    ring = max((v for v in windows if v not in graph.outputs), key=lambda v: windows[v].capacity)
    if fault == "window":
        windows[ring] = replace(windows[ring], address=windows[graph.outputs[0]].address)
    elif fault == "ring":
        windows[ring] = replace(windows[ring], capacity=1)
    elif fault == "order":
        k = next(k for k, s in enumerate(steps) if isinstance(s, Step) and s.last > 1)
        steps.insert(k - 3, steps.pop(k))
    elif fault == "late":
        k = max(k for k, s in enumerate(steps) if isinstance(s, Feed))
        steps.append(steps.pop(k))
    elif fault == "scratch":
        name = next(iter(scratch))
        at = windows[graph.node(name).inputs[0]].address
        scratch = {name: (at, scratch[name][1])}
    else:
        del steps[-1]
    with pytest.raises(AssertionError, match="wrong"):
        run_plan(graph, replace(plan, steps=tuple(steps), windows=windows, scratch=scratch), values)


def test_a_plan_that_the_executor_refuses_is_refused_by_the_checker() -> None:
    graph, plan, _ = small()
    late = sorted(plan.steps, key=lambda s: isinstance(s, Feed))
    with pytest.raises(Diagnostic):
        check_plan(graph, replace(plan, steps=tuple(late)))
