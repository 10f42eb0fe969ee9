"""Builds that show what less memory costs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgec.build import build
from edgec.ir import Graph
from edgec.options import BuildOptions, Silent
from edgec.report import files, pareto
from tests.schedule.layers import Net


class Heard(Silent):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.stages: list[str] = []
        self.said: list[str] = []

    def stage(self, name: str) -> None:
        self.stages.append(name)

    def status(self, text: str) -> None:
        self.said.append(text)


def net() -> Graph:
    """Convolutions whose rows are wide at first: strips of columns pay."""
    n = Net("wide", 1)
    x = n.conv(n.input(16, 16, 3), 8)
    x = n.conv(n.conv(x, 8, stride=2), 8, stride=2)
    return n.integer(n.head(x))


@pytest.fixture
def options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BuildOptions:
    monkeypatch.setattr("edgec.frontends.load_model", lambda _: net())
    return BuildOptions(
        "wide", "host", tmp_path, optimize="memory", budget=1 << 20, pareto=True, verify=False
    )


def test_a_build_shows_what_less_memory_costs(options: BuildOptions) -> None:
    heard = Heard()
    report = build(options, heard)
    found = report["pareto"]
    assert files.load(options.out) == report
    assert (options.out / pareto.PICTURE).read_text("utf-8") == pareto.svg(report["model"], found)
    assert len(found) > 1
    (chosen,) = [p for p in found if p["chosen"]]
    assert chosen["arena"] == report["sram"]["arena"]
    assert chosen["factor"] == 1.0
    assert all(p["factor"] <= 2.0 for p in found)
    assert np.all(np.diff([p["arena"] for p in found]) < 0)
    assert np.all(np.diff([p["macs"] for p in found]) >= 0)
    assert "trade-offs" in heard.stages
    assert heard.said[0].startswith("1 tried, the smallest with ")
