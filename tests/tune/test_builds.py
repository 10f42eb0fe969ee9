"""Whole builds with --tune: no slower than without, and the same again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from edgec.build import build
from edgec.ir import Graph
from edgec.ops.base import Call
from edgec.ops.kernel import Kernel
from edgec.ops.linear import Linear
from edgec.options import BuildOptions, Silent
from edgec.report.schema import Report
from edgec.sim.runner import Cost
from edgec.target import Target
from edgec.tune import cache, tuner
from edgec.tune.measure import measure

MODELS = ["tests.errors.models:image", "tests.errors.models:attends"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "cache_dir", lambda: tmp_path / "cache")


def built(model: str, out: Path, *, tune: bool, budget: int | None = 65536) -> Report:
    options = BuildOptions(model, "stm32f746", out, budget=budget, tune=tune, jobs=2)
    return build(options, Silent())


@pytest.mark.parametrize("model", MODELS)
def test_never_slower_and_the_same_again(model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = built(model, tmp_path / "plain", tune=False)
    first = built(model, tmp_path / "first", tune=True)
    assert first["cycles"] <= plain["cycles"]
    assert first["tuned"] and first["tuning"]["candidates"] > 2
    assert "tuned" not in plain
    assert all(x["cycles_estimate"] > 0 for x in plain["layers"] if x["macs"])

    def refuse(*_: object) -> object:
        raise AssertionError("the cache has all of it")

    monkeypatch.setattr(tuner, "measured", refuse)
    built(model, tmp_path / "second", tune=True)
    names = [p.relative_to(tmp_path / "first") for p in (tmp_path / "first").rglob("*") if p.is_file()]
    assert len(names) > 10
    for name in names:
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes(), name


def test_a_slow_choice_is_corrected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = Linear.kernel

    def slow(self: Linear, call: Call) -> Kernel:
        """Plain C where all features may be used, as an op might choose wrongly."""
        return own(self, call.plain if len(call.features) == 2 else call)

    def here(layers: Mapping[str, Graph], target: Target, jobs: int) -> Iterator[tuple[str, Cost]]:
        """Measures in this process, which has the wrong choice."""
        yield from ((key, measure(layer, target)) for key, layer in layers.items())

    monkeypatch.setattr(Linear, "kernel", slow)
    monkeypatch.setattr(tuner, "measured", here)
    plain = built(MODELS[1], tmp_path / "plain", tune=False)
    made = built(MODELS[1], tmp_path / "tuned", tune=True)
    assert made["cycles"] < 0.95 * plain["cycles"]
    assert made["tuning"]["changed"] == 2
    assert all(c["passed"] for c in made["checks"])


def test_a_build_for_memory_does_not_grow(tmp_path: Path) -> None:
    plain = built(MODELS[1], tmp_path / "plain", tune=False, budget=None)
    made = built(MODELS[1], tmp_path / "tuned", tune=True, budget=None)
    assert made["sram"]["total"] <= plain["sram"]["total"]
    assert made["cycles"] <= plain["cycles"]
