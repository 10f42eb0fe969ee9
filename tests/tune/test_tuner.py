"""Choosing by measured costs: what is measured, remembered, interrupted and resumed."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from edgec import workers
from edgec.codegen.toolchain import DoesNotFit
from edgec.diagnostics import Diagnostic
from edgec.ir import Graph
from edgec.ops.base import call_of, op_of
from edgec.ops.dsp import PRODUCTS
from edgec.options import Silent
from edgec.schedule.forms import Form
from edgec.sim.runner import Cost
from edgec.target import FEATURES, Target, load_target
from edgec.tune import Tuner, cache, tuner
from edgec.tune.candidates import Candidate, choosable, one_layer
from edgec.tune.measure import measure
from edgec.tune.workers import fitting, measured
from tests.tune.layers import mixed

BOARD = load_target("stm32f746")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "cache_dir", lambda: tmp_path)


class Heard(Silent):
    """Remembers what is said."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.stages: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)

    def stage(self, name: str) -> None:
        self.stages.append(name)


class Fake:
    """Stands for the workers. costs: by family, 50 for others; after: how many are measured before Ctrl-C."""

    def __init__(self, costs: Mapping[tuple[str, ...], int], after: int | None = None) -> None:
        self.costs, self.after = costs, after
        self.asked: list[str] = []

    def __call__(self, layers: Mapping[str, Graph], target: Target, jobs: int) -> Iterator[tuple[str, Cost]]:
        for k, (key, layer) in enumerate(layers.items()):
            if k == self.after:
                raise KeyboardInterrupt
            self.asked.append(key)
            family = layer.node("layer").attrs["family"]
            assert isinstance(family, tuple)
            yield key, Cost(1, self.costs.get(tuple(map(str, family)), 50))


def tuned(
    monkeypatch: pytest.MonkeyPatch, fake: Fake, heard: Heard | None = None, small: bool = False
) -> Graph:
    monkeypatch.setattr(tuner, "measured", fake)
    return Tuner(BOARD, heard or Heard(), 1, small).tune(mixed(*FEATURES[BOARD.cpu])).graph


def families(graph: Graph) -> dict[str, object]:
    return {n.op: n.attrs["family"] for n in graph.nodes() if "family" in n.attrs}


def test_what_is_fastest_by_itself_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert families(tuned(monkeypatch, Fake({("dsp", "dual"): 10}))) == {}
    assert families(tuned(monkeypatch, Fake({}))) == {}  # from the cache


def test_another_family_is_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    made = tuned(monkeypatch, Fake({("dsp",): 10}))
    assert made.features == {"dsp"} and families(made) == {}
    functions = {n.op: op_of(n).kernel(call_of(made, n)).needs for n in made.nodes() if n.op != "reshape"}
    assert functions["linear"][-1] == functions["conv2d"][-1] == "ec_dsp_products"


def test_an_image_has_products_of_one_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    def mean(form: Form, cost: float) -> float:
        """Products for dual are slow in linear layers, those for dsp alone in convolutions."""
        slow = {"linear": "ec_dsp_products_dual", "conv2d": "ec_dsp_products"}
        kernel = form[4]
        assert isinstance(kernel, tuple)
        return 100.0 if slow.get(str(form[0])) in kernel[1] else cost

    graph = mixed(*FEATURES[BOARD.cpu])
    monkeypatch.setattr(tuner, "measured", Fake({}))
    made = Tuner(BOARD, Heard(), 1)
    made.tune(graph)
    made.costs = {form: mean(form, cost) for form, cost in made.costs.items()}
    best = made.tune(graph).graph
    kernels = [op_of(n).kernel(call_of(best, n)) for n in best.nodes() if n.op != "reshape"]
    assert len({stem for k in kernels for stem in k.needs if stem in PRODUCTS}) == 1
    assert families(best) == {"linear": ()}  # plain C, as two convolutions have dual's products


def test_more_scratch_is_not_taken_where_memory_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    ways = {n.op: found for n, found in choosable(mixed(*FEATURES[BOARD.cpu]))}
    assert all(c.scratch == c.kernel.scratch + c.kernel.copies for found in ways.values() for c in found)
    greedy = property(lambda c: 8 if c.kernel.function == "ec_linear_s8" else 0)
    monkeypatch.setattr(Candidate, "scratch", greedy)
    assert families(tuned(monkeypatch, Fake({(): 10}))) == dict.fromkeys(ways, ())
    frugal = families(tuned(monkeypatch, Fake({}), small=True))
    assert frugal == dict.fromkeys(set(ways) - {"linear"}, ())


def test_interrupted_and_resumed(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, heard, total = Fake({}, after=3), Fake({}), Heard(), _total()
    with pytest.raises(KeyboardInterrupt):
        tuned(monkeypatch, first, heard)
    assert len(first.asked) == 3
    assert heard.notes == [f"3 of {total} kernels are measured, and kept for the next build"]
    tuned(monkeypatch, second, heard)
    assert len(second.asked) == total - 3 and not set(first.asked) & set(second.asked)
    assert heard.stages[-1].endswith(f"{total} kernels to measure, 3 of them known")


def _total() -> int:
    """Blocks that change nothing for a whole layer are no further measurement."""
    count = 0
    for _, found in choosable(mixed(*FEATURES[BOARD.cpu])):
        count += sum(not any(c.same_code(d) for d in found[:k]) for k, c in enumerate(found))
    return count


def test_a_damaged_entry_is_measured_again_with_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    fake, again, last, heard = Fake({}), Fake({}), Fake({}), Heard()
    tuned(monkeypatch, fake)
    cache.path_of(fake.asked[0]).write_text("{")
    tuned(monkeypatch, again, heard)
    assert again.asked == fake.asked[:1]
    assert len(heard.notes) == 1 and heard.notes[0].startswith("measured again:")
    tuned(monkeypatch, last)
    assert last.asked == []


@pytest.mark.parametrize("name", ["host", "cortex-a53"])
def test_a_target_that_counts_nothing_is_refused(name: str) -> None:
    with pytest.raises(Diagnostic) as error:
        Tuner(load_target(name), Silent(), 1)
    assert error.value.code == "E101"


# -- workers --------------------------------------------------------------


def layers(count: int) -> dict[str, Graph]:
    graph = mixed("dsp")
    made = [one_layer(graph, node, c) for node, found in choosable(graph) for c in found]
    return {str(k): layer for k, layer in enumerate(made[:count])}


def test_workers_measure_the_same_as_this_process() -> None:
    board = load_target("stm32f446")
    found = dict(measured(layers(3), board, 2))
    assert len(found) == 3 and found["0"] == measure(layers(1)["0"], board)
    assert all(c is not None and c.cycles and c.instructions for c in found.values())


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """The workers that are started."""
    made: list[subprocess.Popen[bytes]] = []
    start = workers._start
    monkeypatch.setattr(workers, "_start", lambda: made.append(start()) or made[-1])
    return made


def test_workers_end_when_the_caller_stops(started: list[subprocess.Popen[bytes]]) -> None:
    steps = measured(layers(6), load_target("stm32f446"), 2)
    next(steps)
    began = time.monotonic()
    steps.close()  # what an exception in a loop over it does
    assert time.monotonic() - began < 5
    assert len(started) == 2 and all(w.returncode is not None for w in started)


def test_a_worker_that_dies_is_a_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    start = workers._start

    def dying() -> subprocess.Popen[bytes]:
        worker = start()
        os.kill(worker.pid, signal.SIGKILL)
        return worker

    monkeypatch.setattr(workers, "_start", dying)
    with pytest.raises(RuntimeError, match="ended"):
        dict(measured(layers(2), load_target("stm32f446"), 2))


def test_what_a_worker_answers() -> None:
    with pytest.raises(Diagnostic) as error:
        workers._understood("error", ("E401", "missing tool", "x", (("a", "b"),), ("c",)))
    assert (error.value.code, error.value.where, error.value.remedies) == ("E401", "x", ("c",))
    with pytest.raises(RuntimeError, match="could not perform"):
        workers._understood("bug", "Traceback")
    assert workers._understood("done", None) is None


def test_a_layer_that_does_not_fit_has_no_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    def large(layer: Graph, target: Target) -> Cost:
        raise DoesNotFit("SRAM", (("arena", 9),), 1)

    monkeypatch.setattr("edgec.tune.workers.measure", large)
    assert fitting(layers(1)["0"], BOARD) is None
