"""The program: a model measured end to end, the check that fails, and the check of what is committed."""

from __future__ import annotations

import json
from pathlib import Path

import chart
import pytest
from compare import load
from suite import BUILDS, COMMITTED, MODELS, PICTURE, README

import bench as program

from ..effort import SLOW, slow
from .conftest import Bench

TINY = "tests.errors.models:small"


@pytest.fixture(scope="module")
def measured(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What --json wrote of one tiny model on one target."""
    pytest.importorskip("torch")
    folder = tmp_path_factory.mktemp("bench")
    files = ("--json", folder / "a.json", "--svg", folder / "a.svg")
    done = bench(TINY, "--targets", "stm32f746", "-j", 2, *files)
    assert done.returncode == 0, done.stderr
    assert [line.split()[:2] for line in done.stdout.splitlines()[:2]] == [
        ["model", "target"],
        ["small", "stm32f746"],
    ]
    assert done.stderr.count("small on stm32f746") == len(BUILDS)
    assert "<svg" in (folder / "a.svg").read_text()
    return folder / "a.json"


def test_figures_of_a_model(measured: Path) -> None:
    (row,) = load(measured)["rows"]
    assert (row["model"], row["target"], row["core"]) == ("small", "stm32f746", "cortex-m7")
    assert row["builds"].keys() == BUILDS.keys() and "failed" not in row
    names = {"macs", "instructions", "cycles", "arena", "sram", "code", "weights"}
    for figures in row["builds"].values():
        assert figures.keys() == names and all(value > 0 for value in figures.values())
        assert figures["sram"] > figures["arena"]
    speed = row["builds"]["speed"]
    assert row["ratios"]["macs_per_cycle"] == round(speed["macs"] / speed["cycles"], 3)
    assert row["cycles_model"].startswith("cortex-m7")


@slow
def test_two_runs_are_equal(measured: Path, bench: Bench, tmp_path: Path) -> None:
    again = tmp_path / "b.json"
    done = bench(TINY, "--targets", "stm32f746", "--only", "speed", "-j", 1, "--json", again)
    assert done.returncode == 0
    (one,), (two,) = load(measured)["rows"], load(again)["rows"]
    assert one["builds"]["speed"] == two["builds"]["speed"]


def test_the_check_fails_where_a_figure_was_better(measured: Path, bench: Bench, tmp_path: Path) -> None:
    arguments = ("--show", measured, "--check", "--committed")
    assert bench(*arguments, measured).returncode == 0
    doctored = json.loads(measured.read_text())
    speed = doctored["rows"][0]["builds"]["speed"]
    now = speed["cycles"]
    speed["cycles"] = now * 9 // 10
    (tmp_path / "c.json").write_text(json.dumps(doctored))
    done = bench(*arguments, tmp_path / "c.json")
    assert done.returncode == 6
    assert f"worse   small stm32f746 speed cycles: {speed['cycles']:,} -> {now:,}, +" in done.stdout


def test_a_model_that_cannot_be_built_is_a_row(bench: Bench) -> None:
    done = bench("tests.errors.models:nowhere", "--targets", "stm32f746", "--only", "speed", "-j", 1)
    assert done.returncode == 3 and "nowhere on stm32f746: E205" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--targets", "nonsense"), "error[E102]"),
        (("--only", "nonsense"), "no build nonsense; there are default"),
        ((TINY, "--update"), f"the table's models only, not {TINY}"),
    ],
)
def test_usage(arguments: tuple[str, ...], said: str, bench: Bench) -> None:
    done = bench(*arguments)
    assert done.returncode == 2 and said in done.stderr


def test_committing_figures(measured: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """README's table is replaced, what is around it stays."""
    for name in ("README", "PICTURE", "COMMITTED"):
        monkeypatch.setattr(program, name, tmp_path / name)
    around = ["before", "<!-- figures: x -->", "old", "<!-- end of figures -->", "after", ""]
    program.README.write_text("\n".join(around))
    program.commit(load(measured), program.COMMITTED)
    page = program.README.read_text()
    assert page.startswith("before\n<!-- figures: x -->\n\n| model |") and page.endswith("-->\nafter\n")
    assert "| small | stm32f746 |" in page and "old" not in page
    assert load(program.COMMITTED) == load(measured) and "<svg" in program.PICTURE.read_text()


def test_what_is_committed_belongs_together() -> None:
    """bench/committed.json, README's table and the picture are of one --update."""
    committed, page = load(COMMITTED), README.read_text(encoding="utf-8")
    assert {row["model"] for row in committed["rows"]} <= set(MODELS)
    assert program.with_table(page, committed) == page
    assert chart.svg(committed) == PICTURE.read_text(encoding="utf-8")


@pytest.mark.timeout(900)
@pytest.mark.parametrize("model", ["kws"])
def test_committed_figures_hold(model: str, bench: Bench, request: pytest.FixtureRequest) -> None:
    if ":" not in MODELS[model].source:
        request.getfixturevalue("data_dir")
    else:
        pytest.importorskip("torch")
    assert any(row["model"] == model for row in load(COMMITTED)["rows"])
    kinds = () if SLOW else ("--only", "speed")
    done = bench(model, "--targets", "stm32f746", *kinds, "--check", "-j", 1)
    assert done.returncode == 0, done.stdout + done.stderr
